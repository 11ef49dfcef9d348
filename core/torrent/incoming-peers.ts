import type { HostLimits } from "../limits/host-limits.ts";
import type { InfoHash } from "../info-hash.ts";
import { normalizePeerAddress } from "../peer-address.ts";
import { isShoalPeerId } from "../peer-id.ts";
import { isFar } from "../topology.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { earlyNodeInfo } from "./early-node-info.ts";
import type { NodeInfo } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { HostGate } from "./host-gate.ts";
import { HostShares } from "./host-shares.ts";
import { type IncomingPeer, PeerListener } from "./peer-listener.ts";
import { PieceServer } from "./piece-server.ts";
import { placeToLeave } from "./place-to-leave.ts";
import type { ServedTorrent } from "./served-torrent.ts";
import type { StockPeers } from "./stock-peers.ts";

/** Blobs that are offered to a peer that encrypts: each costs 20 KiB while it is connected. */
const encryptedOffersMax = 32;

export interface IncomingPeersDeps {
  readonly host: string;
  readonly port: number;
  /** Connections at once; more are hung up on. */
  readonly connectionsMax: number;
  /** Of them, those of one host. */
  readonly connectionsPerHostMax: number;
  readonly now: () => number;
  readonly peerId: Uint8Array;
  readonly self: () => Omit<NodeInfo, "whole">;
  readonly torrents: ReadonlyMap<InfoHash, ServedTorrent>;
  readonly buffers: BufferPool;
  readonly stockPeers: StockPeers;
  readonly limits: Pick<HostLimits, "passage">;
  readonly onWarning: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Something threw that no peer can be blamed for: a bug. Its connection has been closed. */
  readonly onFault: (error: unknown) => void;
}

/** The peers that connect to us: each gets a {@link PieceServer}, or webtorrent. */
export class IncomingPeers implements AsyncDisposable {
  readonly #deps: IncomingPeersDeps;
  /** Each with the host that it serves, in the one form that this has. */
  readonly #servers = new Map<PieceServer, string>();
  readonly #gate: HostGate;
  readonly #shares: HostShares;
  #refusals = 0;
  #listener: PeerListener | undefined;

  private constructor(deps: IncomingPeersDeps) {
    this.#deps = deps;
    this.#gate = new HostGate(deps);
    this.#shares = new HostShares(deps.buffers);
  }

  /** @throws {UnavailableError} when the port cannot be had. */
  static async open(deps: IncomingPeersDeps): Promise<IncomingPeers> {
    const incoming = new IncomingPeers(deps);
    const { host, port, connectionsMax, onFault } = deps;
    incoming.#listener = await PeerListener.open({
      ...{ host, port, connectionsMax, onFault, gate: incoming.#gate },
      onPeer: (peer) => incoming.#onPeer(peer),
      onEncrypted: (peer) => incoming.#onEncrypted(peer),
    });
    return incoming;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Nodes that are being served. */
  get count(): number {
    return this.#servers.size;
  }

  /** Times that a node came and found no place. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Looks for lapsed bounds. */
  tick(): void {
    const nowMs = this.#deps.now();
    for (const server of this.#servers.keys()) server.tick(nowMs);
  }

  /** Hangs up on everybody, frees the port. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.keys()) server.close("we are leaving");
    await this.#listener?.[Symbol.asyncDispose]();
  }

  #onPeer(peer: IncomingPeer): void {
    const { socket, handshake, received } = peer;
    const { torrents, peerId, self, limits, now, onFault } = this.#deps;
    const torrent = torrents.get(handshake.infoHash);
    if (!torrent) {
      socket.destroy();
      return;
    }
    if (!isShoalPeerId(handshake.peerId) || !handshake.extended) {
      this.#serveStockPeer(peer, isForAll(torrent) ? [torrent] : []);
      return;
    }
    // Who is gone already has no address, and takes nothing.
    const { host } = normalizePeerAddress({ host: socket.remoteAddress ?? "", port: 0 });
    if (torrent.isCrowded) this.#makePlace(torrent, { host, isExtra: false });
    const isFarComer = torrent.isCrowded && this.#isFar(received);
    if (isFarComer && !torrent.hasExtraPlace) this.#makePlace(torrent, { host, isExtra: true });
    const isExtra = isFarComer && torrent.hasExtraPlace;
    if (torrent.isCrowded && !isExtra) this.#refusals++;
    const server = new PieceServer({
      ...{ socket, torrent, peerId, self: self(), now, onFault, isExtra },
      buffers: this.#shares.of(host),
      onOffence: (reason) => this.#gate.offended(host, reason),
      passage: limits.passage(["upload"], { flow: torrent.infoHash }),
      onClosed: (closed) => this.#servers.delete(closed),
    });
    this.#servers.set(server, host);
    server.start(received.subarray(handshakeLength));
  }

  /** Has somebody leave a place of that kind to who comes from a host, if there is a reason to. */
  #makePlace(
    torrent: ServedTorrent,
    { host, isExtra }: { readonly host: string; readonly isExtra: boolean },
  ): void {
    const holders = this.#holdersOf(torrent, { isExtra });
    const leaver = placeToLeave(holders, { host, nowMs: this.#deps.now() });
    leaver?.close("others would ask, too");
  }

  *#holdersOf(
    torrent: ServedTorrent,
    { isExtra }: { readonly isExtra: boolean },
  ): Generator<[PieceServer, string], void> {
    for (const [server, host] of this.#servers) {
      if (server.isExtra === isExtra && torrent.listeners.has(server)) yield [server, host];
    }
  }

  /**
   * Whether a node has said that it is far. Near ones would fill every place, and those of its zone
   * would wait until they are done: so it is served though all places are taken.
   */
  #isFar(received: Buffer): boolean {
    return isFar(this.#deps.self().place, earlyNodeInfo(received)?.place);
  }

  /** It may be a stock client that encrypts. The blobs that came last are likeliest to be meant. */
  #onEncrypted(peer: Omit<IncomingPeer, "handshake">): void {
    const whole = [...this.#deps.torrents.values()].filter(isForAll);
    this.#serveStockPeer(peer, whole.slice(-encryptedOffersMax));
  }

  #serveStockPeer(peer: Omit<IncomingPeer, "handshake">, torrents: readonly ServedTorrent[]): void {
    this.#deps.stockPeers.serve(peer, torrents).catch((error: unknown) => {
      this.#deps.onWarning("cannot serve stock peer", { error: String(error) });
    });
  }
}

/** Whether stock clients are served: they know nothing of growing torrents. */
function isForAll(torrent: ServedTorrent): boolean {
  return torrent.whole && !torrent.isGrowing;
}
