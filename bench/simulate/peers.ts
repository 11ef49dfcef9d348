import type { PeerAddress } from "../../core/peer-address.ts";
import { PeerBook } from "../../core/torrent/peer-book.ts";
import { type Asker, type Giver, SimulatedConnection } from "./connection.ts";
import type { Network } from "./network.ts";
import type { Timeline } from "./timeline.ts";

export interface PeersDeps {
  readonly asker: Asker;
  readonly timeline: Timeline;
  readonly network: Network;
  readonly random: () => number;
  readonly peersPerBlobMax: number;
  /** Who is reached at an address for this blob; `undefined` when nobody answers. */
  readonly giverAt: (address: PeerAddress) => Giver | undefined;
}

/** The nodes that one download asks for pieces: `DownloadPeers` without sockets. */
export class SimulatedPeers {
  readonly #deps: PeersDeps;
  readonly #book = new PeerBook();
  readonly #clients = new Set<SimulatedConnection>();

  constructor(deps: PeersDeps) {
    this.#deps = deps;
  }

  /** Connections, also those that are not up yet. */
  get clients(): ReadonlySet<SimulatedConnection> {
    return this.#clients;
  }

  add(addresses: readonly PeerAddress[]): void {
    this.#book.add(addresses);
  }

  /** Dials whom it may. */
  dial(countMax = Infinity): void {
    const { asker, giverAt, network, timeline, peersPerBlobMax } = this.#deps;
    const count = Math.min(countMax, peersPerBlobMax - this.#clients.size);
    if (count <= 0) return;
    for (const address of this.#book.take(count, timeline.nowMs)) {
      const giver = giverAt(address);
      if (!giver) continue;
      const isDoubtful = this.#book.isDoubtful(address);
      const client = new SimulatedConnection({ asker, giver, network, timeline, isDoubtful });
      this.#clients.add(client);
      // There and back to connect, and there once more with a handshake.
      network.tell(asker.host, giver.host, () =>
        network.tell(giver.host, asker.host, () =>
          network.tell(asker.host, giver.host, () => this.#greet(client)),
        ),
      );
    }
  }

  /** A connection has ended. */
  left(client: SimulatedConnection): void {
    this.#clients.delete(client);
    const gave = client.gaveAtMs > -Infinity;
    const { nowMs } = this.#deps.timeline;
    const { isRefused } = client;
    const end = { nowMs, gave, gaveRight: gave, isRefused, verdict: undefined };
    this.#book.left(client.giver.host.address, end);
  }

  /** As `DownloadPeers` has it, of hosts with one address each. */
  meet(address: PeerAddress, { isFar }: { readonly isFar: boolean }): boolean {
    const { peersPerBlobMax, random } = this.#deps;
    if (this.#book.add([address]) === 0) return false;
    if (this.#clients.size >= peersPerBlobMax) {
      if (isFar || random() * this.#book.usable >= peersPerBlobMax) return false;
      const others = [...this.#clients].filter((client) => isReplaceable(client));
      const other = others[Math.floor(random() * others.length)];
      if (!other) return false;
      other.close();
    }
    this.#book.prefer(address);
    return true;
  }

  /** The handshake is at the other end. */
  #greet(client: SimulatedConnection): void {
    const { giver, asker } = client;
    const { network } = this.#deps;
    if (giver.host.isGone || client.isClosed) return;
    const have = giver.join(client);
    client.isRefused = have === undefined;
    network.tell(giver.host, asker.host, () => {
      if (have && !client.isClosed) client.open(have);
      else client.close();
    });
  }
}

/** As `DownloadPeers` has it. */
function isReplaceable(client: SimulatedConnection): boolean {
  return client.isOpen && !client.isFar && !client.have?.isFull && client.kind === "peers";
}
