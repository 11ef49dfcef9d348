/** Version of the Internet Protocol. */
export type IpFamily = 4 | 6;

/** Length of an address in bytes, by family. */
export const ipLengths = { 4: 4, 6: 16 } as const satisfies Record<IpFamily, number>;

/** First 12 bytes of an IPv6 address that stands for an IPv4 one (RFC 4291, 2.5.5.2). */
const mappedPrefix = Buffer.from("00000000000000000000ffff", "hex");

/**
 * The bytes of an address in text: 4, or 16. An IPv4 address that a dual-stack socket
 * gave as `::ffff:a.b.c.d` is one of IPv4. `undefined` for names and for IPv6
 * addresses with a zone, which mean nothing on another machine.
 *
 * @see RFC 4291, 2.2
 */
export function parseIp(text: string): Buffer | undefined {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (bytes?.length === 16 && bytes.subarray(0, 12).equals(mappedPrefix)) return bytes.subarray(12);
  return bytes;
}

/** Whether an address, in bytes, is of IPv4 or IPv6. */
export function ipFamilyOf(bytes: Uint8Array): IpFamily {
  return bytes.byteLength === ipLengths[4] ? 4 : 6;
}

/**
 * An address in text, in the one form that operating systems print too, so that
 * equal addresses are equal strings.
 *
 * @param bytes 4 or 16 of them.
 * @see RFC 5952
 */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.byteLength === ipLengths[4]) return bytes.join(".");
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  const { start, end } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (end - start < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(end).join(":")}`;
}

/** Whether an address, in text, is one of this machine's loopback; never a name. */
export function isLoopbackIp(text: string): boolean {
  const bytes = parseIp(text);
  if (bytes?.length === ipLengths[4]) return bytes[0] === 127;
  return bytes !== undefined && formatIp(bytes) === "::1";
}

function parseIpv4(text: string): Buffer | undefined {
  const match = /^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$/.exec(text);
  const parts = match?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? Buffer.from(parts) : undefined;
}

function parseIpv6(text: string): Buffer | undefined {
  // The longest: six groups and a dotted IPv4 address.
  if (text.length > 45) return undefined;
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const before = parseGroups(head, { last: tail === undefined });
  const after = parseGroups(tail ?? "", { last: true });
  if (!before || !after) return undefined;
  const missing = ipLengths[6] - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return Buffer.concat([before, Buffer.alloc(missing), after]);
}

/** @param options.last Whether the groups end the address, so that the last may be dotted. */
function parseGroups(text: string, options: { readonly last: boolean }): Buffer | undefined {
  if (text === "") return Buffer.alloc(0);
  const groups = text.split(":");
  const parts: Buffer[] = [];
  for (const [index, group] of groups.entries()) {
    const dotted = options.last && index === groups.length - 1 && group.includes(".");
    if (!dotted && !/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const part = dotted ? parseIpv4(group) : Buffer.from(group.padStart(4, "0"), "hex");
    if (!part) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The first of the longest runs of zeros. */
function longestZeroRun(groups: readonly number[]): { start: number; end: number } {
  let longest = { start: 0, end: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.end - longest.start) longest = { start, end: index + 1 };
  }
  return longest;
}
