import { staticTable, type HeaderField } from "./header-field.ts";

/** Index of a whole field in the static table, by `name\0value`. */
const staticIndexes = new Map(
  staticTable.map(({ name, value }, position) => [`${name}\0${value}`, position + 1]),
);

/**
 * Encodes fields such that the block stands for itself: it neither uses nor changes the
 * table of the peer's decoder, so it can be made once and sent often, on any connection.
 */
export function encodeHeaderBlock(fields: readonly HeaderField[]): Buffer {
  const bytes: number[] = [];
  for (const { name, value } of fields) {
    const index = staticIndexes.get(`${name}\0${value}`);
    if (index !== undefined) {
      bytes.push(0x80 | index);
      continue;
    }
    bytes.push(0); // literal, not to be indexed
    pushString(bytes, name);
    pushString(bytes, value);
  }
  return Buffer.from(bytes);
}

function pushString(bytes: number[], text: string): void {
  pushInteger(bytes, text.length);
  for (let at = 0; at < text.length; at++) bytes.push(text.charCodeAt(at) & 0xff);
}

/** An integer with a prefix of 7 bits, the eighth being 0. */
function pushInteger(bytes: number[], value: number): void {
  if (value < 0x7f) {
    bytes.push(value);
    return;
  }
  bytes.push(0x7f);
  let rest = value - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest & 0x7f));
  bytes.push(rest);
}
