import type { InfoHash } from "../../core/info-hash.ts";
import type { PeerAddress } from "../../core/peer-address.ts";
import { peerKeyOf, peerOfKey } from "../../tracker/peer-key.ts";
import type { PeerIdentity } from "../../tracker/peer-table.ts";
import { SwarmTable } from "../../tracker/swarm-table.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";
import type { Timeline } from "./timeline.ts";

/** As many as a node asks for (core/announce/swarm-membership.ts). */
const peersWanted = 50;

/**
 * Milliseconds that a tracker works on an announce: 5,000 a second on one core, half of what it
 * was measured to answer.
 */
const announceMs = 0.2;

/** Nothing of it is reached here. */
const limits = { swarmsMax: 1000, peersMax: 1e6, peersPerAddressMax: 1000, peerTtlMs: 3_600_000 };

/** A tracker that is asked over the network, and answers one announce after the other. */
export class SimulatedTracker {
  readonly #timeline: Timeline;
  readonly #network: Network;
  readonly #swarms: SwarmTable;
  /** By their keys: of millions that are told few are different. */
  readonly #addresses = new Map<string, PeerAddress>();
  #freeAtMs = 0;

  constructor(deps: {
    readonly timeline: Timeline;
    readonly network: Network;
    readonly random: () => number;
  }) {
    this.#timeline = deps.timeline;
    this.#network = deps.network;
    this.#swarms = new SwarmTable(limits, deps.random);
  }

  /** Takes a seeder in that was there long before. */
  addSeeder(infoHash: InfoHash, host: SimulatedHost): void {
    const peer = identityOf(host);
    this.#swarms.put(infoHash, { ...peer, seeder: true }, 0);
  }

  /** A host announces that it downloads; `onPeers` is called when the answer is there. */
  announce(
    infoHash: InfoHash,
    host: SimulatedHost,
    onPeers: (peers: readonly PeerAddress[]) => void,
  ): void {
    this.#network.tellTracker(() => {
      this.#freeAtMs = Math.max(this.#freeAtMs, this.#timeline.nowMs) + announceMs;
      this.#timeline.at(this.#freeAtMs, {
        happen: (nowMs) => {
          const peers = this.#answer(infoHash, host, nowMs);
          this.#network.tellTracker(() => onPeers(peers));
        },
      });
    });
  }

  #answer(infoHash: InfoHash, host: SimulatedHost, nowMs: number): PeerAddress[] {
    const except = identityOf(host);
    this.#swarms.put(infoHash, { ...except, seeder: false }, nowMs);
    const wish = {
      families: [4] as const,
      countMax: peersWanted,
      leechersOnly: false,
      except,
      place: except.place,
    };
    return this.#swarms.sample(infoHash, wish).map(({ tracked }) => this.#addressOf(tracked.key));
  }

  #addressOf(key: string): PeerAddress {
    const address = this.#addresses.get(key) ?? peerOfKey(key);
    this.#addresses.set(key, address);
    return address;
  }
}

function identityOf({ address, zone }: SimulatedHost): PeerIdentity {
  const key = peerKeyOf(address) ?? address.host;
  return { key, family: 4, peerId: address.host, place: { region: "r", zone: `zone${zone}` } };
}
