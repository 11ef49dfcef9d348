import type { PeerAddress } from "../peer-address.ts";

/** Pause before an address is dialled again, after one, two, … failures. */
const retryPausesMs = [250, 1000, 3000, 10_000, 30_000] as const;

/** The same after it said one, two, … times that it serves others now: places become free soon. */
const refusedPausesMs = [250, 1000, 3000, 10_000] as const;

/** Failures in a row, from which on one that answered before is held to be gone. */
const failuresOfLostMin = retryPausesMs.length;

/** An address of a download, and how it went with it so far. */
export interface KnownPeer {
  readonly address: PeerAddress;
  state: "idle" | "connected" | "banned";
  /** Since it last gave something. */
  failures: number;
  /** Since it last answered, be it that it gave nothing then. */
  failuresInRow: number;
  /** Times that it answered and gave nothing since it last gave something. */
  refusals: number;
  /** It has said that it serves others, in one of its connections. */
  hasRefused: boolean;
  /** It is to be dialled before others. */
  isPreferred: boolean;
  offences: number;
  /** It has given something, in one of its connections; nothing says that it was right. */
  hasGiven: boolean;
  /** A piece that it gave was right. */
  hasGivenRight: boolean;
  retryAtMs: number;
}

/** Written out, for what is spread into an object takes twice the room, and a crowd has many. */
export function freshPeer(address: PeerAddress): KnownPeer {
  return {
    address,
    state: "idle",
    failures: 0,
    failuresInRow: 0,
    refusals: 0,
    hasRefused: false,
    isPreferred: false,
    offences: 0,
    hasGiven: false,
    hasGivenRight: false,
    retryAtMs: 0,
  };
}

export function isUntried({ state, failures, refusals }: KnownPeer): boolean {
  return state === "idle" && failures === 0 && refusals === 0;
}

/**
 * Whether a node is there that has the blob, as far as we know: it gave something, and nothing
 * wrong, or said that it serves others. One that shook hands and had nothing for us may be anything.
 */
export function isLive(peer: KnownPeer): boolean {
  if (peer.offences > 0 || peer.state === "banned") return false;
  if (peer.failuresInRow >= failuresOfLostMin) return false;
  return peer.hasGiven || peer.hasRefused;
}

/** Counts a failure. Gives how long to leave it alone for that. */
export function failedPause(peer: KnownPeer): number {
  return retryPausesMs[Math.min(peer.failures++, retryPausesMs.length - 1)] ?? 0;
}

/** Counts that it answered and gave nothing. Gives how long to leave it alone for that. */
export function refusedPause(peer: KnownPeer): number {
  return refusedPausesMs[Math.min(peer.refusals++, refusedPausesMs.length - 1)] ?? 0;
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
  if (one.hasGivenRight !== other.hasGivenRight) return other.hasGivenRight;
  const failed = one.failuresInRow - other.failuresInRow;
  return failed > 0 || (failed === 0 && one.refusals > other.refusals);
}
