/** Steps that people read easily, up to the next power of ten. */
const niceSteps = [1, 2, 2.5, 5, 10] as const;

/**
 * Marks of an axis from 0 to at least `max`, at most `countMax` of them beside 0, in steps
 * that people read easily. The last one is the end of the axis.
 */
export function axisTicks(max: number, countMax: number): readonly number[] {
  const end = max > 0 && Number.isFinite(max) ? max : 1;
  const power = 10 ** Math.floor(Math.log10(end / countMax));
  const nice = niceSteps.find((step) => step * power * countMax >= end) ?? 10;
  const count = Math.ceil(end / (nice * power) - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => index * nice * power);
}

/** A mark's number without the noise of binary fractions. */
export function tickLabel(value: number): string {
  return String(Number(value.toPrecision(6)));
}
