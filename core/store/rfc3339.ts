const nsPerSecond = 1_000_000_000n;

const pattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * Renders nanoseconds since the Unix epoch as Go does a time in UTC: with as many
 * digits of a second as it needs.
 *
 * @see RFC 3339; Go time.RFC3339Nano
 */
export function formatRfc3339(timeNs: bigint): string {
  const seconds = timeNs / nsPerSecond;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = String(timeNs % nsPerSecond)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return fraction === "" ? `${text}Z` : `${text}.${fraction}Z`;
}

/** Reads what {@link formatRfc3339} or Go wrote, in any zone; `undefined` when it is no time. */
export function parseRfc3339(text: string): bigint | undefined {
  const [, dateTime, fraction = "", zone] = pattern.exec(text) ?? [];
  if (dateTime === undefined || zone === undefined) return undefined;
  const ms = Date.parse(dateTime + zone);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
