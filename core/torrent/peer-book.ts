import { ipLengths, parseIp } from "../ip-address.ts";
import { type PeerAddress, formatPeerAddress, normalizePeerAddress } from "../peer-address.ts";
import type { PeerVerdict } from "./dialled-node.ts";

/**
 * Addresses remembered for one download, banned ones among them. A tracker that lies cannot
 * make us remember more, nor keep good ones out: those that were of no use make place.
 */
const addressesMax = 500;

/** Pieces that were wrong, until an address is not asked again for this blob. */
const offencesMax = 2;

/** Pause before an address is dialled again, after one, two, … failures. */
const retryPausesMs = [250, 1000, 3000, 10_000, 30_000] as const;

/** The same after it said one, two, … times that it serves others now: places become free soon. */
const refusedPausesMs = [250, 1000, 3000, 10_000] as const;

interface Entry {
  readonly address: PeerAddress;
  state: "idle" | "connected" | "banned";
  failures: number;
  /** Times that it said so since it last gave something. */
  refusals: number;
  /** It is to be dialled before others. */
  isPreferred: boolean;
  offences: number;
  /** It has given something, in one of its connections. */
  hasGiven: boolean;
  retryAtMs: number;
}

/** The peers known for one download, and when to dial each. */
export class PeerBook {
  readonly #entries = new Map<string, Entry>();
  #bannedCount = 0;
  #untriedCount = 0;
  /** Nothing is to be dialled before that: in a crowd it is asked for often, and seldom has any. */
  #idleUntilMs = -Infinity;

  /** Addresses that may be worth a connection, now or later. */
  get usable(): number {
    return this.#entries.size - this.#bannedCount;
  }

  /** Whether there are addresses that were never dialled. */
  get hasUntried(): boolean {
    return this.#untriedCount > 0;
  }

  /** Whether any address of its host is known; by IPv6 of its network, which may be all one host's. */
  knowsHost({ host }: PeerAddress): boolean {
    const owner = ownerOf(host);
    for (const { address } of this.#entries.values())
      if (ownerOf(address.host) === owner) return true;
    return false;
  }

  /** Addresses that may be dialled now. */
  dueCount(nowMs: number): number {
    let count = 0;
    if (nowMs < this.#idleUntilMs) return count;
    for (const { state, retryAtMs } of this.#entries.values()) {
      if (state === "idle" && retryAtMs <= nowMs) count++;
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
      if (this.#entries.size >= addressesMax && !this.#makePlace()) return added;
      this.#entries.set(formatPeerAddress(address), freshEntry(address));
      this.#untriedCount++;
      this.#idleUntilMs = -Infinity;
      added++;
    }
    return added;
  }

  /** Has an address that was never dialled dialled next. */
  prefer(address: PeerAddress): void {
    const entry = this.#find(address);
    if (entry && isUntried(entry)) entry.isPreferred = true;
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
      for (const entry of this.#entries.values()) {
        if (taken.length >= count) {
          idleUntilMs = -Infinity;
          break;
        }
        if (entry.state !== "idle" || rankOf(entry) !== rank) continue;
        if (entry.retryAtMs > nowMs || mayDial?.(entry.address) === false) {
          idleUntilMs = Math.min(idleUntilMs, entry.retryAtMs);
          continue;
        }
        this.#connect(entry);
        taken.push(entry.address);
      }
    }
    this.#idleUntilMs = idleUntilMs;
    return taken;
  }

  /** A connection ended. One that gave something is dialled again sooner. */
  left(
    address: PeerAddress,
    end: {
      readonly nowMs: number;
      readonly gave: boolean;
      /** It serves others now, or owed nothing when it hung up: that says nothing against it. */
      readonly isRefused?: boolean;
      readonly verdict: PeerVerdict | undefined;
    },
  ): void {
    const entry = this.#find(address);
    if (entry?.state !== "connected") return;
    if (end.verdict === undefined) entry.state = "idle";
    else this.#ban(entry);
    if (end.gave) {
      entry.failures = 0;
      entry.refusals = 0;
      entry.hasGiven = true;
    }
    entry.retryAtMs = end.nowMs + (end.isRefused ? refusedPause(entry) : failedPause(entry));
    this.#idleUntilMs = Math.min(this.#idleUntilMs, entry.retryAtMs);
  }

  /** Whether an address was dialled before, and never gave anything. */
  isDoubtful(address: PeerAddress): boolean {
    const entry = this.#find(address);
    return entry !== undefined && entry.failures > 0 && !entry.hasGiven;
  }

  /** An address gave a wrong piece. Gives true when it is banned by that. */
  blame(address: PeerAddress): boolean {
    const entry = this.#find(address);
    if (!entry) return false;
    entry.offences++;
    if (entry.offences < offencesMax) return false;
    this.#ban(entry);
    return true;
  }

  #connect(entry: Entry): void {
    if (isUntried(entry)) this.#untriedCount--;
    entry.state = "connected";
    entry.isPreferred = false;
  }

  #ban(entry: Entry): void {
    if (isUntried(entry)) this.#untriedCount--;
    if (entry.state !== "banned") this.#bannedCount++;
    entry.state = "banned";
  }

  /** Most addresses are in the one form already, in which they are looked for first. */
  #find(address: PeerAddress): Entry | undefined {
    return (
      this.#entries.get(formatPeerAddress(address)) ??
      this.#entries.get(formatPeerAddress(normalizePeerAddress(address)))
    );
  }

  /**
   * Forgets the address that failed most, or else the one that refused most, or the one banned first.
   * Gives whether it could.
   */
  #makePlace(): boolean {
    let worst: readonly [string, Entry] | undefined;
    let banned: string | undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.state === "banned") banned ??= key;
      if (entry.state !== "idle" || (entry.failures === 0 && entry.refusals === 0)) continue;
      if (!worst || isWorse(entry, worst[1])) worst = [key, entry];
    }
    const key = worst?.[0] ?? banned;
    if (!worst && banned !== undefined) this.#bannedCount--;
    return key !== undefined && this.#entries.delete(key);
  }
}

/** Written out, for what is spread into an object takes twice the room, and a crowd has many. */
function freshEntry(address: PeerAddress): Entry {
  return {
    address,
    state: "idle",
    failures: 0,
    refusals: 0,
    isPreferred: false,
    offences: 0,
    hasGiven: false,
    retryAtMs: 0,
  };
}

function isUntried({ state, failures, refusals }: Entry): boolean {
  return state === "idle" && failures === 0 && refusals === 0;
}

function isWorse(one: Entry, other: Entry): boolean {
  const failed = one.failures - other.failures;
  return failed > 0 || (failed === 0 && one.refusals > other.refusals);
}

/** In which order addresses are dialled. */
const ranks = ["preferred", "untried", "tried"] as const;

function rankOf(entry: Entry): (typeof ranks)[number] {
  if (entry.isPreferred) return "preferred";
  return isUntried(entry) ? "untried" : "tried";
}

function failedPause(entry: Entry): number {
  return retryPausesMs[Math.min(entry.failures++, retryPausesMs.length - 1)] ?? 0;
}

function refusedPause(entry: Entry): number {
  return refusedPausesMs[Math.min(entry.refusals++, refusedPausesMs.length - 1)] ?? 0;
}

/** Who an address belongs to: an IPv6 host may have as many as it likes of its network of 64 bits. */
function ownerOf(host: string): string {
  const { host: plain } = normalizePeerAddress({ host, port: 0 });
  const bytes = plain.includes(":") ? parseIp(plain) : undefined;
  return bytes?.length === ipLengths[6] ? bytes.subarray(0, 8).toString("latin1") : plain;
}

/** Whether a socket would take it at all: others throw, and no host is this machine. */
function isDiallable({ host, port }: PeerAddress): boolean {
  return host !== "" && Number.isInteger(port) && port > 0 && port < 65536;
}
