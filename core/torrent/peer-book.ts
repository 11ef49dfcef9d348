import { type PeerAddress, formatPeerAddress, normalizePeerAddress } from "../peer-address.ts";
import type { PeerVerdict } from "./dialled-node.ts";
import {
  type ConnectionEnd,
  type KnownPeer,
  freshPeer,
  isDoubtful,
  isLive,
  isUntried,
  isWorse,
  noteEnd,
  useOf,
} from "./known-peer.ts";

/**
 * Addresses remembered for one download, banned ones among them. A tracker that lies cannot
 * make us remember more, nor keep good ones out: those that were of no use make place.
 */
const addressesMax = 500;

/**
 * Of them, those of nodes that are live and never make place for others: eight times as many as are
 * asked at once by default. A flood of addresses must not make us forget all that are good.
 */
const liveKept = 128;

/** Pieces that were wrong, until an address is not asked again for this blob. */
const offencesMax = 2;

/** The peers known for one download, and when to dial each. */
export class PeerBook {
  readonly #peers = new Map<string, KnownPeer>();
  #bannedCount = 0;
  #untriedCount = 0;
  /** Nothing is to be dialled before that: in a crowd it is asked for often, and seldom has any. */
  #idleUntilMs = -Infinity;

  /** Addresses that may be worth a connection, now or later. */
  get usable(): number {
    return this.#peers.size - this.#bannedCount;
  }

  /** Whether there are addresses that were never dialled. */
  get hasUntried(): boolean {
    return this.#untriedCount > 0;
  }

  /** Addresses that were never dialled. */
  *untried(): Generator<PeerAddress, void> {
    for (const peer of this.#peers.values()) if (isUntried(peer)) yield peer.address;
  }

  /** Whether any address of its host is known. */
  knowsHost(address: PeerAddress): boolean {
    const { host } = normalizePeerAddress(address);
    for (const peer of this.#peers.values()) if (peer.address.host === host) return true;
    return false;
  }

  /** Addresses that may be dialled now. */
  dueCount(nowMs: number): number {
    let count = 0;
    if (nowMs < this.#idleUntilMs) return count;
    for (const peer of this.#peers.values()) {
      if (isIdle(peer) && peer.retryAtMs <= nowMs) count++;
    }
    return count;
  }

  /** Gives how many of them are new. */
  add(addresses: readonly PeerAddress[]): number {
    let added = 0;
    for (const each of addresses) {
      if (this.#find(each)) continue;
      const address = normalizePeerAddress(each);
      if (!isDiallable(address)) continue;
      if (this.#peers.size >= addressesMax && !this.#makePlace()) return added;
      this.#peers.set(formatPeerAddress(address), freshPeer(address));
      this.#untriedCount++;
      this.#idleUntilMs = -Infinity;
      added++;
    }
    return added;
  }

  /** Has an address that was never dialled dialled next. */
  prefer(address: PeerAddress): void {
    const peer = this.#find(address);
    if (peer?.state === "untried") peer.state = "preferred";
  }

  /**
   * Takes up to `count` addresses to dial now, those first that were never dialled. They are
   * connected until {@link left} is called.
   *
   * @param options `mayDial`: asked for each; it stays for later when it gives false.
   */
  take(
    count: number,
    nowMs: number,
    { mayDial }: { readonly mayDial?: (address: PeerAddress) => boolean } = {},
  ): PeerAddress[] {
    const taken: PeerAddress[] = [];
    if (nowMs < this.#idleUntilMs) return taken;
    let idleUntilMs = Infinity;
    for (const rank of this.hasUntried ? ranks : ranks.slice(-1)) {
      for (const peer of this.#peers.values()) {
        if (taken.length >= count) {
          idleUntilMs = -Infinity;
          break;
        }
        if (peer.state !== rank) continue;
        if (peer.retryAtMs > nowMs || mayDial?.(peer.address) === false) {
          idleUntilMs = Math.min(idleUntilMs, peer.retryAtMs);
          continue;
        }
        this.#connect(peer);
        taken.push(peer.address);
      }
    }
    this.#idleUntilMs = idleUntilMs;
    return taken;
  }

  /** A connection ended. One that gave something is dialled again sooner. */
  left(
    address: PeerAddress,
    end: ConnectionEnd & { readonly nowMs: number; readonly verdict: PeerVerdict | undefined },
  ): void {
    const peer = this.#find(address);
    if (peer?.state !== "connected") return;
    if (end.verdict === undefined) peer.state = "tried";
    else this.#ban(peer);
    peer.retryAtMs = end.nowMs + noteEnd(peer, end);
    this.#idleUntilMs = Math.min(this.#idleUntilMs, peer.retryAtMs);
  }

  /** Whether an address was dialled before, and never gave anything. */
  isDoubtful(address: PeerAddress): boolean {
    const peer = this.#find(address);
    return peer !== undefined && isDoubtful(peer);
  }

  /** An address gave a wrong piece. Gives true when it is banned by that. */
  blame(address: PeerAddress): boolean {
    const peer = this.#find(address);
    if (!peer) return false;
    peer.offences++;
    if (peer.offences < offencesMax) return false;
    this.#ban(peer);
    return true;
  }

  #connect(peer: KnownPeer): void {
    if (isUntried(peer)) this.#untriedCount--;
    peer.state = "connected";
  }

  #ban(peer: KnownPeer): void {
    if (isUntried(peer)) this.#untriedCount--;
    if (peer.state !== "banned") this.#bannedCount++;
    peer.state = "banned";
  }

  /** Most addresses are in the one form already, in which they are looked for first. */
  #find(address: PeerAddress): KnownPeer | undefined {
    return (
      this.#peers.get(formatPeerAddress(address)) ??
      this.#peers.get(formatPeerAddress(normalizePeerAddress(address)))
    );
  }

  /**
   * Forgets the address that is of least use: one that failed, or else, while many are live, one of
   * those, or else the offender that is known the longest, which is asked anew once it is
   * forgotten. Gives whether it could.
   */
  #makePlace(): boolean {
    const worst = new Map<ReturnType<typeof useOf>, KnownPeer>();
    let liveCount = 0;
    for (const peer of this.#peers.values()) {
      if (isLive(peer)) liveCount++;
      const use = useOf(peer);
      const other = worst.get(use);
      if (!other || (use !== "offender" && isWorse(peer, other))) worst.set(use, peer);
    }
    const live = liveCount > liveKept ? worst.get("live") : undefined;
    const forgotten = worst.get("failed") ?? live ?? worst.get("offender");
    if (!forgotten) return false;
    if (forgotten.state === "banned") this.#bannedCount--;
    return this.#peers.delete(formatPeerAddress(forgotten.address));
  }
}

/** In which order addresses are dialled. */
const ranks = ["preferred", "untried", "tried"] as const;

/** Whether it is neither connected nor banned. */
function isIdle(peer: KnownPeer): boolean {
  return ranks.some((rank) => rank === peer.state);
}

/** Whether a socket would take it at all: others throw, and no host is this machine. */
function isDiallable({ host, port }: PeerAddress): boolean {
  return host !== "" && Number.isInteger(port) && port > 0 && port < 65536;
}
