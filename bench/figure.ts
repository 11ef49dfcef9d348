import { median, summarise, type Summary } from "./statistics.ts";

/** Where a figure must stay. */
export type Hold = { readonly atMost: number } | { readonly atLeast: number };

/** One thing that was measured, in every round. */
export interface Figure {
  /** `<measurement>.<what>`, the same from run to run. */
  readonly name: string;
  readonly unit: string;
  /** A value for each round. */
  readonly ours: readonly number[];
  /** Values of what we are compared with, of the same rounds. */
  readonly reference?: readonly number[];
  /** Bounds ours ÷ reference, or ours where there is no reference. None: it is only told. */
  readonly hold?: Hold;
}

/** What a figure comes to. */
export interface Verdict {
  readonly figure: Figure;
  readonly ours: Summary;
  readonly reference: Summary | undefined;
  /** Spread of ours ÷ reference; its median is what is judged. */
  readonly ratio: Summary | undefined;
  readonly ok: boolean;
}

/**
 * Judges a figure by the median of its rounds. Ratios are taken round by round, for
 * what slows a machine for some minutes then slows both sides.
 *
 * @throws {RangeError} when there are no rounds, or not as many of both.
 */
export function judge(figure: Figure): Verdict {
  const { ours, reference, hold } = figure;
  const ratios = reference && ratiosOf(ours, reference);
  return {
    figure,
    ours: summarise(ours),
    reference: reference && summarise(reference),
    ratio: ratios && summarise(ratios),
    ok: hold === undefined || holds(median(ratios ?? ours), hold),
  };
}

function ratiosOf(ours: readonly number[], reference: readonly number[]): number[] {
  if (ours.length !== reference.length) {
    throw new RangeError(`Cannot compare ${ours.length} rounds with ${reference.length}`);
  }
  return ours.map((value, round) => value / (reference[round] ?? Number.NaN));
}

function holds(value: number, hold: Hold): boolean {
  return "atMost" in hold ? value <= hold.atMost : value >= hold.atLeast;
}

/** `<= 1.25`, or `<= 5 ms` where no ratio is bounded. */
export function formatHold({ hold, reference, unit }: Figure): string | undefined {
  if (hold === undefined) return undefined;
  const bound = "atMost" in hold ? `<= ${hold.atMost}` : `>= ${hold.atLeast}`;
  return reference === undefined ? `${bound} ${unit}` : bound;
}

/** A verdict as one line of JSON, for programs. */
export function verdictLine({ figure, ours, reference, ratio, ok }: Verdict): string {
  return JSON.stringify({
    name: figure.name,
    ours: ours.median,
    reference: reference?.median ?? null,
    unit: figure.unit,
    ratio: ratio?.median ?? null,
    hold: formatHold(figure) ?? null,
    ok,
  });
}
