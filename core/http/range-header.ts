import type { ByteRange } from "../byte-range.ts";

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
  const match = /^bytes=([0-9]{0,16})-([0-9]{0,16})$/.exec(header?.trim() ?? "");
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
