import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { PieceSource } from "./assignment.ts";
import type { PieceGivers } from "./piece-givers.ts";
import type { PiecePicker } from "./piece-picker.ts";
import type { SupplyWatch } from "./supply-watch.ts";

export interface PieceChoiceDeps {
  readonly layout: PieceLayout;
  readonly picker: PiecePicker;
  readonly givers: PieceGivers;
  readonly supply: Pick<SupplyWatch, "webSeedNeed" | "originNeed">;
  /** Whether nodes that download as we do are connected. */
  readonly isCrowd: () => boolean;
  /** Until all that is missing can be here, at the best rate of the download or that of a source. */
  readonly secondsLeft: (rate: number) => number;
}

/**
 * Chooses the piece that a source is asked for: one that is overdue, else one that a reader waits
 * for and nobody has begun to give, else one that the picker likes, else one that the source would
 * have sooner than who was asked for it.
 */
export class PieceChoice {
  readonly #deps: PieceChoiceDeps;
  #isAnyStalled = false;
  /** Shared sources that found nothing slow since the engine looked last. */
  readonly #foundNothing = new Set<PieceSource>();

  constructor(deps: PieceChoiceDeps) {
    this.#deps = deps;
  }

  /** Whether any source is stalled: only then pieces of stalled ones are looked for. */
  noteStalls(isAnyStalled: boolean): void {
    this.#isAnyStalled = isAnyStalled;
    this.#foundNothing.clear();
  }

  /** The piece, pending from now on; `undefined` when there is none for this source now. */
  next(source: PieceSource): number | undefined {
    const { picker } = this.#deps;
    if (source.kind === "origin") return this.#forOrigin(source);
    if (this.#isOnTrial(source)) return undefined;
    const overdue = this.#overdue(source);
    if (overdue !== undefined) return overdue;
    if (this.#isSpared(source)) return undefined;
    return this.#urgent(source) ?? picker.pick(source) ?? this.#slow(source);
  }

  /**
   * Whether it may be asked for a piece at once: a reader waits for it, and nobody who was asked has
   * begun to give it for a while. Whoever begins first gives it, and the others are told; in a crowd
   * that reads, a piece so spreads from all who have it, while those who have it longest serve others.
   */
  isUrgentFor(source: PieceSource, index: number): boolean {
    return index === this.#deps.picker.firstWaiting() && this.#urgent(source) === index;
  }

  #urgent(source: PieceSource): number | undefined {
    const { picker, givers } = this.#deps;
    // What has all is asked by all, and what is far is spared, as always.
    if (source.whole || source.isFar) return undefined;
    const waited = picker.firstWaiting();
    if (waited === undefined || !picker.pending.has(waited) || !source.has(waited))
      return undefined;
    return givers.mayComeFirst(waited, source) ? waited : undefined;
  }

  /**
   * A piece for the origin, where all others have failed: in order, the reader's first. A
   * piece that somebody was asked for and does not give is as good as one that nobody was.
   */
  #forOrigin(source: PieceSource): number | undefined {
    const { picker, givers, supply } = this.#deps;
    if (!supply.originNeed.isNeeded) return undefined;
    const waited = picker.firstWaiting();
    if (waited !== undefined && picker.isMissing(waited) && givers.hasRoomFor(waited, source)) {
      picker.take(waited);
      return waited;
    }
    return (
      picker.pickFrom(waited ?? 0) ??
      picker.pickPending(source, (index) => givers.hasRoomFor(index, source))
    );
  }

  /** A piece for which a reader has waited too long, or whose giver has stalled. */
  #overdue(source: PieceSource): number | undefined {
    const { picker, givers, supply } = this.#deps;
    const waited = supply.webSeedNeed.isReaderLate ? picker.firstWaiting() : undefined;
    if (waited !== undefined && !this.#isShared(source) && source.has(waited)) {
      if (picker.isMissing(waited) && givers.hasRoomFor(waited, source)) {
        picker.take(waited);
        return waited;
      }
    }
    if (!this.#isAnyStalled || this.#isSpared(source)) return undefined;
    return picker.pickPending(
      source,
      (index) => givers.isStalled(index) && givers.hasRoomFor(index, source),
    );
  }

  /**
   * With nothing left to start: a piece that this source would have sooner than its giver. But for
   * a reader it is in time as long as it comes before all else that is missing: bytes that come twice
   * are taken from the others where the link is full.
   */
  #slow(source: PieceSource): number | undefined {
    const { layout, picker, givers } = this.#deps;
    const isShared = this.#isShared(source);
    // Only long waits lead to a shared one, which is idle for most of a crowd's time, and is
    // asked to fill by each word of each peer: it need not look before the engine looks again.
    if (isShared && this.#foundNothing.has(source)) return undefined;
    const secondsLeft = this.#deps.secondsLeft(source.rate);
    // In the order in which most pieces are ruled out: an idle source looks at all, again and again.
    const slow = picker.pickPending(source, (index, isUrgent) => {
      if (isShared && !givers.isLongWait(index)) return false;
      const piece = {
        length: pieceLengthAt(layout, index),
        dueSeconds: isUrgent ? 0 : secondsLeft,
      };
      if (!givers.wouldOvertake(index, source, piece)) return false;
      return givers.hasRoomFor(index, source);
    });
    if (isShared && slow === undefined) this.#foundNothing.add(source);
    return slow;
  }

  /**
   * Whether it never gave anything, and is asked for a piece already, while somebody does not
   * give what it claims: those who may do the same are not to hold more than one each.
   */
  #isOnTrial(source: PieceSource): boolean {
    return this.#isAnyStalled && source.gaveAtMs === -Infinity && this.#deps.givers.isAsked(source);
  }

  /** Whether it is a web seed while peers do. */
  #isSpared(source: PieceSource): boolean {
    return source.kind === "webSeeds" && !this.#deps.supply.webSeedNeed.isNeeded;
  }

  /** Whether a crowd asks that peer, or uses the way to it: bytes that come twice are everybody's. */
  #isShared(source: PieceSource): boolean {
    if (source.isFar && this.#deps.picker.hasNearPeers) return true;
    return source.kind !== "webSeeds" && source.whole && this.#deps.isCrowd();
  }
}
