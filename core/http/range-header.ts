import type { ByteRange } from "../byte-range.ts";

/**
 * Ranges that one request may ask for. A lazy snapshotter asks for the runs of files that a
 * container touches first; who asks for more is somebody who wants to make us work.
 */
const rangesMax = 256;

/**
 * Reads a `Range` header for a body of `size` bytes: the one range that it asks for,
 * `undefined` when the whole body is the right answer (no range, several, or a unit or form
 * that we do not know), `"unsatisfiable"` when it starts past the end.
 *
 * @see RFC 9110 §14.2
 */
export function parseRangeHeader(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const text = header?.trim() ?? "";
  return text.startsWith("bytes=") ? parseRange(text.slice("bytes=".length), size) : undefined;
}

/**
 * As {@link parseRangeHeader}, for those who can answer several ranges at once: all of them
 * in their order in the body, where those that overlap or touch are one. Ranges past the end
 * are left out, and only if that are all of them it is `"unsatisfiable"`.
 *
 * `"excessive"` when there are more than 256.
 */
export function parseRangesHeader(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | "unsatisfiable" | "excessive" | undefined {
  const text = header?.trim() ?? "";
  if (!text.startsWith("bytes=")) return undefined;
  const words = text.slice("bytes=".length).split(",", rangesMax + 1);
  if (words.length > rangesMax) return "excessive";
  const ranges: ByteRange[] = [];
  for (const word of words) {
    const range = parseRange(word.trim(), size);
    if (range === undefined) return undefined;
    if (range !== "unsatisfiable") ranges.push(range);
  }
  return ranges.length === 0 ? "unsatisfiable" : mergeRanges(ranges);
}

/**
 * Whether a `Range` header, for a body of `size` bytes, is of who wants a part: it names the last
 * byte of each of its ranges, or how many it wants of the end, and no range is all of the body.
 * Who goes on with a body that broke off asks for all of the rest.
 */
export function isPartOf(header: string, size: number): boolean {
  const ranges = parseRangesHeader(header, size);
  if (typeof ranges !== "object" || /[0-9]\s*-\s*(?:,|$)/.test(header)) return false;
  return ranges.every(({ start, end }) => end - start < size);
}

function parseRange(text: string, size: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^([0-9]{0,16})-([0-9]{0,16})$/.exec(text);
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Number(match[2]);
  if (match[2] !== "" && last < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end: Math.min(last + 1, size) };
}

/** Bytes are given once, however often they were asked for. */
function mergeRanges(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    const last = merged.at(-1);
    if (!last || range.start > last.end) merged.push(range);
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
  }
  return merged;
}
