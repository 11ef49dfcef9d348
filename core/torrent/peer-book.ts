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

interface Entry {
  readonly address: PeerAddress;
  state: "idle" | "connected" | "banned";
  failures: number;
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

  /** Whether any address of its host is known. */
  knowsHost(address: PeerAddress): boolean {
    const { host } = normalizePeerAddress(address);
    for (const { address: known } of this.#entries.values()) if (known.host === host) return true;
    return false;
  }

  add(addresses: readonly PeerAddress[]): void {
    for (const each of addresses) {
      if (this.#find(each)) continue;
      const address = normalizePeerAddress(each);
      if (!isDiallable(address)) continue;
      if (this.#entries.size >= addressesMax && !this.#makePlace()) return;
      this.#entries.set(formatPeerAddress(address), freshEntry(address));
      this.#untriedCount++;
      this.#idleUntilMs = -Infinity;
    }
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
    for (const isFirst of this.hasUntried ? [true, false] : [false]) {
      for (const entry of this.#entries.values()) {
        if (taken.length >= count) {
          idleUntilMs = -Infinity;
          break;
        }
        if (entry.state !== "idle" || isUntried(entry) !== isFirst) continue;
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
      readonly verdict: PeerVerdict | undefined;
    },
  ): void {
    const entry = this.#find(address);
    if (entry?.state !== "connected") return;
    if (end.verdict === undefined) entry.state = "idle";
    else this.#ban(entry);
    if (end.gave) {
      entry.failures = 0;
      entry.hasGiven = true;
    }
    const pause = retryPausesMs[Math.min(entry.failures, retryPausesMs.length - 1)] ?? 0;
    entry.failures++;
    entry.retryAtMs = end.nowMs + pause;
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

  /** Forgets the address that failed most, or else the one banned first. Gives whether it could. */
  #makePlace(): boolean {
    let worst: readonly [string, Entry] | undefined;
    let banned: string | undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.state === "banned") banned ??= key;
      if (entry.state !== "idle" || entry.failures === 0) continue;
      if (!worst || entry.failures > worst[1].failures) worst = [key, entry];
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
    offences: 0,
    hasGiven: false,
    retryAtMs: 0,
  };
}

function isUntried({ state, failures }: Entry): boolean {
  return state === "idle" && failures === 0;
}

/** Whether a socket would take it at all: others throw, and no host is this machine. */
function isDiallable({ host, port }: PeerAddress): boolean {
  return host !== "" && Number.isInteger(port) && port > 0 && port < 65536;
}
