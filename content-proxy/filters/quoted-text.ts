const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
};

/** An escape, or the run of characters up to the next one. */
const partPattern =
  /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))|[^\\]+/gsuy;

const codePointMax = 0x10ffff;

/**
 * Resolves the escapes of a string literal of Go, without its quotes; `undefined` when
 * it is not one. Octal and `\x` escapes stand for bytes, which together must be UTF-8.
 *
 * @see containerd pkg/filters/quote.go
 */
export function unquote(inner: string, quote: string): string | undefined {
  if (/[\n\0\uFFFD]/.test(inner)) return undefined;
  const parts: Buffer[] = [];
  let length = 0;
  for (const match of inner.matchAll(partPattern)) {
    const part = partOf(match, quote);
    if (!part) return undefined;
    parts.push(part);
    length += match[0].length;
  }
  return length === inner.length ? Buffer.concat(parts).toString() : undefined;
}

function partOf([whole, octal, byte, short, long, other]: RegExpExecArray, quote: string) {
  if (octal !== undefined) return byteOf(Number.parseInt(octal, 8));
  if (byte !== undefined) return byteOf(Number.parseInt(byte, 16));
  const hex = short ?? long;
  if (hex !== undefined) {
    const code = Number.parseInt(hex, 16);
    return code <= codePointMax ? Buffer.from(String.fromCodePoint(code)) : undefined;
  }
  if (other === undefined) return Buffer.from(whole);
  const character = other === quote ? quote : simpleEscapes[other];
  return character === undefined ? undefined : Buffer.from(character);
}

function byteOf(value: number): Buffer | undefined {
  return value <= 0xff ? Buffer.of(value) : undefined;
}
