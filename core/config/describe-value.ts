/** Longest text that is shown of a value. */
const shownMax = 80;

/** What is wrong with a value: that it is missing, of the wrong kind, or what it is. */
export function describeValue(input: unknown): string {
  if (input === undefined) return "is missing";
  if (Array.isArray(input)) return "is a list";
  if (typeof input === "object") return "is a mapping";
  return `is ${JSON.stringify(typeof input === "string" ? input.slice(0, shownMax) : input)}`;
}
