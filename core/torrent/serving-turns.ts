/** One of those that ask for pieces of a blob. */
export interface TurnTaker {
  /** It may begin a piece now, if it still wants to. */
  onTurn(): void;
}

/**
 * Pieces of a blob that are begun side by side while there are few copies: two, so that the link is
 * busy while a block is read. Given to twenty askers at once, each has a whole piece, which it may pass on,
 * only when all have one.
 */
const begunMax = 2;

/**
 * Pieces that leave in turns, one for each peer of a node. From then on there are copies, and
 * whoever has a link faster than its askers' serves as many as ask.
 */
export const turnsMax = 32;

/**
 * Until everybody is served at once, whatever has left: as long as 32 pieces of 256 KiB need over
 * 25 Mbit/s; of the longer ones of large blobs fewer leave.
 */
const turnsMs = 3000;

/** A block that is on its way for so long goes over a slow link: that leaves room on ours. */
const slowBlockMs = 200;

/** After such a wait anybody may begin: who gets no byte for 1.5 s takes us for dead. */
const waitMaxMs = 500;

/**
 * Who of those that ask for pieces of a blob may begin one, at the start of a crowd: copies
 * multiply fastest when each leaves whole before the next. Knows no sockets; time is given.
 */
export class ServingTurns {
  /** Those with blocks on their way, and when the last one set out. */
  readonly #active = new Map<TurnTaker, number>();
  /** Those that wait to begin a piece, first come first served, and since when. */
  readonly #waiting = new Map<TurnTaker, number>();
  /** Those that were told that they may begin, and have not. */
  readonly #called = new Set<TurnTaker>();
  #begun = 0;
  /** When the first one began. */
  #startMs: number | undefined;
  #isOver = false;

  /** Whether a piece may be begun now; else the taker is told when it may. */
  begin(taker: TurnTaker, nowMs: number): boolean {
    if (this.#hasLapsed(nowMs)) {
      // Who asks is answered, and not called besides: it would begin twice.
      this.#waiting.delete(taker);
      this.#end(nowMs);
    }
    if (this.#isOver) return true;
    const hasPlace = this.#active.size < begunMax || this.#active.has(taker);
    const mayBegin = this.#called.delete(taker) || (hasPlace && this.#waiting.size === 0);
    if (mayBegin) {
      this.#startMs ??= nowMs;
      this.#active.set(taker, nowMs);
      if (++this.#begun >= turnsMax) this.#end(nowMs);
    } else if (!this.#waiting.has(taker)) {
      this.#waiting.set(taker, nowMs);
    }
    return mayBegin;
  }

  /** A block of a piece that was begun sets out. */
  goOn(taker: TurnTaker, nowMs: number): void {
    if (!this.#isOver) this.#active.set(taker, nowMs);
  }

  /** All that was on its way is with the system, and no more follows now. */
  rest(taker: TurnTaker, nowMs: number): void {
    this.#called.delete(taker);
    if (this.#active.delete(taker)) this.#callNext(nowMs);
  }

  /** It asks for nothing any more. */
  leave(taker: TurnTaker, nowMs: number): void {
    this.#waiting.delete(taker);
    this.rest(taker, nowMs);
  }

  /** Looks for those that are slow, and for those that have waited long enough. */
  tick(nowMs: number): void {
    if (this.#hasLapsed(nowMs)) this.#end(nowMs);
    for (const [taker, sinceMs] of this.#active) {
      if (nowMs - sinceMs >= slowBlockMs) this.#active.delete(taker);
    }
    // Who waits anew meanwhile comes last, and has not waited for long.
    for (const [taker, sinceMs] of this.#waiting) {
      if (nowMs - sinceMs < waitMaxMs) break;
      this.#call(taker, nowMs);
    }
    this.#callNext(nowMs);
  }

  #hasLapsed(nowMs: number): boolean {
    return this.#startMs !== undefined && nowMs - this.#startMs >= turnsMs;
  }

  /** Everybody may begin from now on. */
  #end(nowMs: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const taker of this.#waiting.keys()) this.#call(taker, nowMs);
    this.#active.clear();
    this.#called.clear();
  }

  #callNext(nowMs: number): void {
    while (this.#active.size < begunMax) {
      const [taker] = this.#waiting.keys();
      if (!taker) return;
      this.#call(taker, nowMs);
    }
  }

  #call(taker: TurnTaker, nowMs: number): void {
    if (!this.#waiting.delete(taker)) return;
    this.#called.add(taker);
    this.#active.set(taker, nowMs);
    taker.onTurn();
  }
}
