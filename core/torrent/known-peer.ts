import type { PeerAddress } from "../peer-address.ts";

/** Pause before an address is dialled again, after one, two, … failures. */
const retryPausesMs = [250, 1000, 3000, 10_000, 30_000] as const;

/** The same after it said one, two, … times that it serves others now: places become free soon. */
const refusedPausesMs = [250, 1000, 3000, 10_000] as const;

/** Failures in a row, from which on one that answered before is held to be gone. */
const failuresOfLostMin = retryPausesMs.length;

/** What may come of an address, the best last: bytes may be wrong, and to refuse costs nothing. */
const yields = ["nothing", "refusal", "bytes", "rightPiece"] as const;

/** An address of a download, and how it went with it so far. */
export interface KnownPeer {
  readonly address: PeerAddress;
  /** Those to be dialled are preferred ones, then others that never were, then the rest. */
  state: "preferred" | "untried" | "tried" | "connected" | "banned";
  /** The best that came of it, in any of its connections. */
  best: (typeof yields)[number];
  /** In a row, since it gave something; that it answers makes up for all of them but one. */
  failures: number;
  /** Times that it answered and gave nothing since it last gave something. */
  refusals: number;
  /** Wrong pieces that it gave. */
  offences: number;
  retryAtMs: number;
}

/** How a connection to an address ended. */
export interface ConnectionEnd {
  readonly gave: boolean;
  /** A piece that it gave was right. */
  readonly gaveRight?: boolean;
  /** It said that it serves others now, which says nothing against it. */
  readonly isRefused?: boolean;
  /** It was there, and not asked for anything when the connection ended: nor does that. */
  readonly owedNothing?: boolean;
}

/** Written out, for what is spread into an object takes twice the room, and a crowd has many. */
export function freshPeer(address: PeerAddress): KnownPeer {
  return {
    address,
    state: "untried",
    best: "nothing",
    failures: 0,
    refusals: 0,
    offences: 0,
    retryAtMs: 0,
  };
}

/** Whether it was never dialled, nor banned before it was. */
export function isUntried({ state }: KnownPeer): boolean {
  return state === "preferred" || state === "untried";
}

/** Notes how a connection ended. Gives for how long to leave the address alone, in milliseconds. */
export function noteEnd(peer: KnownPeer, end: ConnectionEnd): number {
  const best = bestOf(end);
  if (yields.indexOf(best) > yields.indexOf(peer.best)) peer.best = best;
  if (end.gave) {
    peer.failures = 0;
    peer.refusals = 0;
  }
  if (end.isRefused || end.owedNothing) {
    // Who failed is doubted until it gives something: words are no amends for that.
    peer.failures = Math.min(peer.failures, 1);
    return pauseAfter(++peer.refusals, refusedPausesMs);
  }
  if (!end.gave) peer.failures++;
  return pauseAfter(peer.failures, retryPausesMs);
}

/** Whether it was dialled in vain, and never gave anything. */
export function isDoubtful({ failures, best }: KnownPeer): boolean {
  return failures > 0 && (best === "nothing" || best === "refusal");
}

/**
 * Whether a node is there that has the blob, as far as we know: it gave something, and nothing
 * wrong, or said that it serves others. One that shook hands and had nothing for us may be anything.
 */
export function isLive(peer: KnownPeer): boolean {
  if (peer.offences > 0 || peer.state === "banned") return false;
  return peer.failures < failuresOfLostMin && peer.best !== "nothing";
}

/**
 * Of how much use it is to know of one: least of those that failed and are not live. To know who is
 * banned, or gave a wrong piece, keeps us from asking it anew. Nothing is known of those that were
 * never dialled, which are kept as those are that are connected.
 */
export function useOf(peer: KnownPeer): "failed" | "offender" | "live" | "kept" {
  if (peer.state === "banned") return "offender";
  if (peer.state === "connected" || isUntried(peer)) return "kept";
  if (peer.offences > 0) return "offender";
  return isLive(peer) ? "live" : "failed";
}

/** Whether there is less to be had of one than of another of the same {@link useOf}. */
export function isWorse(one: KnownPeer, other: KnownPeer): boolean {
  // To say that one serves others costs nothing, and bytes that are wrong little.
  const isRight = one.best === "rightPiece";
  if (isRight !== (other.best === "rightPiece")) return !isRight;
  const failed = one.failures - other.failures;
  return failed > 0 || (failed === 0 && one.refusals > other.refusals);
}

function bestOf({ gave, gaveRight, isRefused }: ConnectionEnd): KnownPeer["best"] {
  if (gaveRight) return "rightPiece";
  if (gave) return "bytes";
  return isRefused ? "refusal" : "nothing";
}

/** After something that happened so many times in a row; the shortest after what did not. */
function pauseAfter(count: number, pausesMs: readonly number[]): number {
  return pausesMs[Math.min(Math.max(count, 1), pausesMs.length) - 1] ?? 0;
}
