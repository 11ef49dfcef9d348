/** Milliseconds for the handshake: where a client encrypts, four messages and many torrents to try. */
const greetingMs = 10_000;

/** A client that takes no part of a block for so long is hung up on; one that needs us comes back. */
const idleMs = 60_000;

/** What webtorrent says by itself in that time, in bytes at most: keep-alives, chokes, unchokes. */
const smallTalkMax = 1024;

/**
 * Watches whether a stock client is worth its connection: only what it takes counts, for keep-alives
 * keep nothing alive. Time is given.
 */
export class GuestWatch {
  readonly #startMs: number;
  #isGreeted = false;
  /** When it had last taken something of use, and how many bytes in all. */
  #usedAtMs: number;
  #usedBytes = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#usedAtMs = nowMs;
  }

  /** It has said which torrent it wants. */
  greeted(): void {
    this.#isGreeted = true;
  }

  /**
   * Whether a bound has lapsed.
   *
   * @param bytesTaken All that it has taken so far.
   */
  hasLapsed(nowMs: number, bytesTaken: number): boolean {
    if (bytesTaken - this.#usedBytes > smallTalkMax) {
      this.#usedBytes = bytesTaken;
      this.#usedAtMs = nowMs;
    }
    if (!this.#isGreeted) return nowMs - this.#startMs >= greetingMs;
    return nowMs - this.#usedAtMs >= idleMs;
  }
}
