import { staticTable, type HeaderField } from "./header-field.ts";
import { decodeHuffman } from "./huffman.ts";
import { ConnectionError, resetCodes } from "./protocol.ts";

/** What an entry costs beside its two strings. @see RFC 7541, section 4.1 */
const entryOverheadBytes = 32;

/** Larger integers mean nothing here, and must not overflow 32 bits. */
const integerMax = 2 ** 28;

/** A decoded header block. */
export interface HeaderList {
  readonly fields: readonly HeaderField[];
  /** The fields were too many to keep, and are not all there. */
  readonly tooLarge: boolean;
}

/**
 * Decodes the header blocks of one connection, in order. After an error the
 * connection is beyond help.
 *
 * @see RFC 7541
 */
export class HpackDecoder {
  readonly #tableBytesMax: number;
  readonly #listBytesMax: number;
  /** Newest first. */
  readonly #table: HeaderField[] = [];
  #tableBytes = 0;
  #tableBytesLimit: number;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * @param limits.tableBytesMax What was announced as SETTINGS_HEADER_TABLE_SIZE.
   * @param limits.listBytesMax Size of the fields of a block from which on they are dropped.
   */
  constructor(limits: { readonly tableBytesMax: number; readonly listBytesMax: number }) {
    this.#tableBytesMax = limits.tableBytesMax;
    this.#tableBytesLimit = limits.tableBytesMax;
    this.#listBytesMax = limits.listBytesMax;
  }

  /** @throws {ConnectionError} when the block breaks the rules of HPACK. */
  decode(block: Buffer): HeaderList {
    this.#block = block;
    this.#at = 0;
    this.#readSizeUpdates();
    const fields: HeaderField[] = [];
    let listBytes = 0;
    while (this.#at < block.length) {
      const field = this.#readField();
      listBytes += sizeOf(field);
      if (listBytes <= this.#listBytesMax) fields.push(field);
    }
    return { fields, tooLarge: listBytes > this.#listBytesMax };
  }

  #readField(): HeaderField {
    const first = this.#block[this.#at] ?? 0;
    if (first >= 0x80) return this.#entry(this.#readInteger(7));
    if (first >= 0x40) {
      const field = this.#readLiteral(6);
      this.#insert(field);
      return field;
    }
    if (first >= 0x20) throw badBlock("a table size update stands after a field");
    return this.#readLiteral(4);
  }

  #readSizeUpdates(): void {
    while (((this.#block[this.#at] ?? 0) & 0xe0) === 0x20) {
      const bytes = this.#readInteger(5);
      if (bytes > this.#tableBytesMax) throw badBlock("the table is larger than allowed");
      this.#tableBytesLimit = bytes;
      this.#evict();
    }
  }

  #readLiteral(prefixBits: number): HeaderField {
    const index = this.#readInteger(prefixBits);
    const name = index === 0 ? this.#readString() : this.#entry(index).name;
    return { name, value: this.#readString() };
  }

  #entry(index: number): HeaderField {
    const field =
      index <= staticTable.length
        ? staticTable[index - 1]
        : this.#table[index - staticTable.length - 1];
    if (!field) throw badBlock("no field has that index");
    return field;
  }

  #insert(field: HeaderField): void {
    this.#table.unshift(field);
    this.#tableBytes += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableBytesLimit) {
      const oldest = this.#table.pop();
      if (!oldest) return;
      this.#tableBytes -= sizeOf(oldest);
    }
  }

  #readInteger(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    let value = this.#nextByte() & prefixMax;
    if (value < prefixMax) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.#nextByte();
      value += (byte & 0x7f) * 2 ** shift;
      if (value > integerMax) break;
      if (byte < 0x80) return value;
    }
    throw badBlock("an integer is too large");
  }

  #readString(): string {
    const isHuffman = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#readInteger(7);
    const start = this.#at;
    if (length > this.#block.length - start) throw badBlock("it is cut short");
    this.#at += length;
    return isHuffman
      ? decodeHuffman(this.#block.subarray(start, this.#at))
      : this.#block.toString("latin1", start, this.#at);
  }

  #nextByte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw badBlock("it is cut short");
    return byte;
  }
}

function sizeOf(field: HeaderField): number {
  return field.name.length + field.value.length + entryOverheadBytes;
}

function badBlock(why: string): ConnectionError {
  return new ConnectionError(resetCodes.compressionError, `Cannot decode header block: ${why}`);
}
