import type { PieceSource } from "./assignment.ts";
import { stallBoundMs } from "./limits.ts";

/** An idle source takes over a piece when it would have it this much sooner than who has it … */
const takeOverFactor = 1.5;

/** … and by this many seconds at least: bytes that come twice are taken from somebody. */
const takeOverGainMin = 0.25;

/** Seconds for which a piece is not asked for again over a way that others need as well. */
const longWait = 3;

/** Bytes per second of a source of which nothing is known: links that are slower are not waited for. */
const rateUnknown = 64 * 1024;

/**
 * Sources that are asked for one piece at once, at most. Those that stalled, trickle or give others do not
 * count, or two that claim what they do not give would keep it from all others.
 */
const giversMax = 2;

/**
 * Sources that are asked for one piece while none of them has begun to give it, at most: each of
 * them may be busy with others for as long as a piece needs for each of its askers.
 */
const waitedForMax = 4;

/** Who was asked may begin any moment until then: a block that is on its way twice is not taken back. */
const beginWithinMs = 100;

/** Which sources were asked for which pieces, and when one more should be. */
export class PieceGivers {
  /** Few for each piece, and mostly one: a list of them is less than a set. */
  readonly #givers = new Map<number, PieceSource[]>();

  /** Whether anybody was asked. */
  has(index: number): boolean {
    return this.#givers.has(index);
  }

  /** Whether a source was asked for any piece that has not come. */
  isAsked(source: PieceSource): boolean {
    for (const givers of this.#givers.values()) if (givers.includes(source)) return true;
    return false;
  }

  add(index: number, source: PieceSource): void {
    const givers = this.#givers.get(index);
    if (!givers) this.#givers.set(index, [source]);
    else if (!givers.includes(source)) givers.push(source);
  }

  /** A source will not give it. Gives true when nobody else was asked. */
  remove(index: number, source: PieceSource): boolean {
    const givers = this.#givers.get(index);
    const place = givers?.indexOf(source) ?? -1;
    if (place >= 0) givers?.splice(place, 1);
    if (givers && givers.length > 0) return false;
    this.#givers.delete(index);
    return true;
  }

  /** The piece is settled: gives those who were asked, and forgets them. */
  settle(index: number): Iterable<PieceSource> {
    const givers = this.#givers.get(index);
    this.#givers.delete(index);
    return givers ?? [];
  }

  /** Whether a source could be asked besides those who were. */
  hasRoomFor(index: number, source: PieceSource): boolean {
    const givers = this.#givers.get(index);
    if (!givers) return true;
    if (givers.includes(source)) return false;
    let giving = 0;
    for (const giver of givers) if (isGiving(giver, index)) giving++;
    return giving < giversMax;
  }

  /** Whether a source could begin before those who were asked, of whom none has for a while. */
  mayComeFirst(index: number, source: PieceSource): boolean {
    const givers = this.#givers.get(index);
    if (!givers || givers.includes(source)) return false;
    let longestMs = 0;
    let giving = 0;
    for (const giver of givers) {
      const waitedMs = giver.waitedMs?.(index);
      if (waitedMs === undefined) return false;
      longestMs = Math.max(longestMs, waitedMs);
      if (isGiving(giver, index)) giving++;
    }
    return longestMs >= beginWithinMs && giving < waitedForMax;
  }

  /** Those who were asked and need not give a piece that a source has begun to give: they have not. */
  redundant(index: number, source: PieceSource): readonly PieceSource[] {
    const givers = this.#givers.get(index) ?? [];
    // The first bytes of one that trickles are no reason to send anybody away.
    if (givers.length < 2 || isTrickle(source)) return [];
    return givers.filter((each) => each !== source && each.waitedMs?.(index) !== undefined);
  }

  /** Whether all who were asked have stalled. */
  isStalled(index: number): boolean {
    for (const giver of this.#givers.get(index) ?? []) if (!giver.stalled) return false;
    return true;
  }

  /** Whether nobody who was asked will have given it soon: then it may be had twice. */
  isLongWait(index: number): boolean {
    for (const giver of this.#givers.get(index) ?? []) {
      if (giver.rate === 0 || giver.bytesUntil(index) / giver.rate < longWait) return false;
    }
    return true;
  }

  /**
   * Whether a source would have a piece much sooner than who was asked, and that matters.
   *
   * @param piece `length` in bytes; `dueSeconds`: it is not late before that.
   */
  wouldOvertake(
    index: number,
    source: PieceSource,
    { length, dueSeconds }: { readonly length: number; readonly dueSeconds: number },
  ): boolean {
    const least = Math.max(length / (source.rate || rateUnknown), dueSeconds);
    for (const giver of this.#givers.get(index) ?? []) {
      if (giver.rate === 0) return false;
      const theirs = giver.bytesUntil(index) / giver.rate;
      if (theirs <= least * takeOverFactor || theirs <= least + takeOverGainMin) return false;
    }
    return true;
  }
}

/** Whether a source that was asked for a piece is to be believed that it will give it. */
function isGiving(source: PieceSource, index: number): boolean {
  if (source.stalled || isTrickle(source)) return false;
  // Who gives other pieces all the time, and not this one, does not stall.
  return (source.waitedMs?.(index) ?? 0) < stallBoundMs;
}

function isTrickle({ rate }: PieceSource): boolean {
  return rate > 0 && rate < rateUnknown;
}
