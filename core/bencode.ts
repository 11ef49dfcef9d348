import { InvalidArgumentError } from "./errors.ts";

/** A bencoded value. Byte strings stay bytes; dictionaries keep keys in latin1. */
export type BencodeValue =
  number | Uint8Array | readonly BencodeValue[] | ReadonlyMap<string, BencodeValue>;

/** What may be encoded: strings are written in UTF-8. */
export type BencodeInput =
  | number
  | string
  | Uint8Array
  | readonly BencodeInput[]
  | { readonly [key: string]: BencodeInput | undefined };

/** Nothing that we read is nested deeper than the files of a torrent: info, files, path. */
const depthMax = 8;

/** Bounds a hostile list of empty values: 2 bytes each, but a JavaScript object each here. */
const valuesMax = 100_000;

/**
 * Encodes a value. Keys of dictionaries are written in the order of their
 * bytes, so equal values have equal bytes; keys with `undefined` are left out.
 *
 * @see BEP 3
 */
export function encodeBencode(value: BencodeInput): Buffer {
  const parts: Uint8Array[] = [];
  append(value, parts);
  return Buffer.concat(parts);
}

/** Whether a decoded value is a dictionary. */
export function isDictionary(
  value: BencodeValue | undefined,
): value is ReadonlyMap<string, BencodeValue> {
  return value instanceof Map;
}

function append(value: BencodeInput, parts: Uint8Array[]): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot bencode number ${value}`);
    parts.push(Buffer.from(`i${value}e`));
  } else if (typeof value === "string") {
    append(Buffer.from(value), parts);
  } else if (value instanceof Uint8Array) {
    parts.push(Buffer.from(`${value.byteLength}:`), value);
  } else if (isList(value)) {
    parts.push(Buffer.from("l"));
    for (const item of value) append(item, parts);
    parts.push(Buffer.from("e"));
  } else {
    parts.push(Buffer.from("d"));
    for (const key of Object.keys(value).sort()) {
      const item = value[key];
      if (item === undefined) continue;
      append(key, parts);
      append(item, parts);
    }
    parts.push(Buffer.from("e"));
  }
}

function isList(value: BencodeInput): value is readonly BencodeInput[] {
  return Array.isArray(value);
}

/**
 * Decodes one value that fills `bytes` exactly. Byte strings are views of `bytes`.
 *
 * @throws {InvalidArgumentError} on anything that is not canonical enough to be
 *   read in one way only: leading zeros, keys that are repeated, lengths past the
 *   end, trailing bytes, too deep or too many values.
 * @see BEP 3
 */
export function decodeBencode(bytes: Uint8Array): BencodeValue {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (!reader.atEnd) throw reader.fail("trailing bytes");
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #position = 0;
  #values = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  fail(why: string): InvalidArgumentError {
    return new InvalidArgumentError(`Cannot decode bencode at byte ${this.#position}: ${why}`);
  }

  value(depth: number): BencodeValue {
    if (depth > depthMax) throw this.fail("nested too deep");
    if (++this.#values > valuesMax) throw this.fail("too many values");
    switch (this.#bytes[this.#position]) {
      case 0x69: // i
        this.#position++;
        return this.#integer(0x65, /^(0|-?[1-9][0-9]*)$/);
      case 0x6c: // l
        this.#position++;
        return this.#list(depth);
      case 0x64: // d
        this.#position++;
        return this.#dictionary(depth);
      default:
        return this.#string();
    }
  }

  #list(depth: number): BencodeValue[] {
    const items: BencodeValue[] = [];
    while (!this.#takeEnd()) items.push(this.value(depth + 1));
    return items;
  }

  #dictionary(depth: number): Map<string, BencodeValue> {
    const entries = new Map<string, BencodeValue>();
    while (!this.#takeEnd()) {
      const key = Buffer.from(this.#string()).toString("latin1");
      if (entries.has(key)) throw this.fail("repeated key");
      entries.set(key, this.value(depth + 1));
    }
    return entries;
  }

  #takeEnd(): boolean {
    if (this.#bytes[this.#position] !== 0x65) return false;
    this.#position++;
    return true;
  }

  #string(): Uint8Array {
    const length = this.#integer(0x3a, /^(0|[1-9][0-9]*)$/);
    const end = this.#position + length;
    if (end > this.#bytes.length) throw this.fail("string is longer than the input");
    const value = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  #integer(terminator: number, pattern: RegExp): number {
    // 17 characters hold every safe integer with its sign.
    const end = this.#bytes.subarray(0, this.#position + 18).indexOf(terminator, this.#position);
    if (end === -1) throw this.fail("no end of number");
    const text = this.#bytes.toString("latin1", this.#position, end);
    const number = Number(text);
    if (!pattern.test(text) || !Number.isSafeInteger(number)) throw this.fail("bad number");
    this.#position = end + 1;
    return number;
  }
}
