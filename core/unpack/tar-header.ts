import { LayerFormatError } from "../errors.ts";
import type { ByteString } from "./byte-string.ts";
import { type TarStreamHeader, decodeBlock } from "./tar-stream-headers.ts";
import type { Timestamp } from "./timestamp.ts";

/** Length of a header, and what the content of each entry is filled up to a multiple of. */
export const blockBytes = 512;

/** One header block. Numbers are whole, but may be below zero. */
export interface TarHeader {
  /** The character that tells what it is the header of. */
  readonly type: string;
  readonly name: ByteString;
  readonly linkName: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly modified: Timestamp;
  readonly accessed: Timestamp | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

// Places in a header block. @see POSIX pax, "ustar Interchange Format"; GNU tar's tar.h
const uidOffset = 108;
const gidOffset = 116;
const sizeOffset = 124;
const mtimeOffset = 136;
const typeOffset = 156;
const magicOffset = 257;
const prefixOffset = 345;
const prefixLength = 155;
const starTrailerOffset = 508;
const gnuAtimeOffset = 345;
const gnuCtimeOffset = 357;
const gnuTimeLength = 12;

/**
 * Reads a header block as Go does, whose tar package containerd unpacks with: ustar, PAX, GNU,
 * and the format before them.
 *
 * @returns `undefined` for a block of zeros.
 * @throws {LayerFormatError}
 * @see Go archive/tar/reader.go, readHeader
 */
export function readTarHeader(block: Buffer): TarHeader | undefined {
  const decoded = decode(block);
  if (!decoded) return undefined;
  const magic = block.toString("latin1", magicOffset, magicOffset + 8);
  const isGnu = magic === "ustar  \0";
  const isKnown = isGnu || magic.startsWith("ustar\0");
  if (isKnown && !isGnu && block.toString("latin1", starTrailerOffset) === "tar\0") {
    throw new LayerFormatError("Cannot read layer: it is in the format of star");
  }
  const gnu = isGnu && block[gnuAtimeOffset] !== 0 ? gnuFields(block) : undefined;
  return {
    type: String.fromCharCode(block[typeOffset] ?? 0),
    name: gnu?.prefix ? `${gnu.prefix}/${decoded.name}` : decoded.name,
    linkName: decoded.linkname ?? "",
    mode: whole(decoded.mode),
    uid: whole(decoded.uid) - signAt(block, uidOffset),
    gid: whole(decoded.gid) - signAt(block, gidOffset),
    size: whole(decoded.size) - signAt(block, sizeOffset),
    modified: { seconds: modifiedSeconds(decoded, block), nanoseconds: 0 },
    accessed: gnu?.accessed,
    deviceMajor: isKnown ? whole(decoded.devmajor) : 0,
    deviceMinor: isKnown ? whole(decoded.devminor) : 0,
  };
}

/** The number in a field, in octal digits or as GNU's binary; `undefined` when it is none. */
export function parseNumber(field: Buffer): number | undefined {
  if ((field[0] ?? 0) & 0x80) {
    // Times that need more than 52 bits are out of bounds anyway, as is all below zero.
    if ((field[0] ?? 0) & 0x40) return -1;
    return field.reduce((sum, byte, index) => sum * 256 + (index === 0 ? byte & 0x7f : byte), 0);
  }
  const [digits = ""] = trimmed(field.toString("latin1")).split("\0");
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function decode(block: Buffer): TarStreamHeader | null {
  try {
    return decodeBlock(block);
  } catch (error) {
    throw new LayerFormatError("Cannot read layer: there is no tar header where one must be", {
      cause: error,
    });
  }
}

/**
 * GNU's time of access, which lies where others have the start of a long name. Go before 1.8,
 * and so old versions of Docker, put that start there under GNU's name too.
 */
function gnuFields(block: Buffer): { prefix?: ByteString; accessed?: Timestamp } {
  const timeAt = (offset: number) => parseNumber(block.subarray(offset, offset + gnuTimeLength));
  const seconds = timeAt(gnuAtimeOffset);
  if (seconds !== undefined && timeAt(gnuCtimeOffset) !== undefined) {
    return { accessed: { seconds, nanoseconds: 0 } };
  }
  const [prefix = ""] = block
    .toString("latin1", prefixOffset, prefixOffset + prefixLength)
    .split("\0");
  // eslint-disable-next-line no-control-regex -- any ASCII
  return /^[\x01-\x7f]*$/.test(prefix) ? { prefix } : {};
}

/** What no Date holds is GNU's binary, and as far out of bounds as the end of time. */
function modifiedSeconds(decoded: TarStreamHeader, block: Buffer): number {
  const seconds = decoded.mtime.getTime() / 1000;
  if (Number.isNaN(seconds) && (block[mtimeOffset] ?? 0) & 0x80) return Infinity;
  return whole(seconds);
}

/** What tar-stream gives is one too many where a binary number is below zero: then 1, else 0. */
function signAt(block: Buffer, offset: number): number {
  return block[offset] === 0xff ? 1 : 0;
}

function whole(value: number | null): number {
  if (value === null || !Number.isSafeInteger(value)) {
    throw new LayerFormatError("Cannot read layer: a tar header has no number where one must be");
  }
  return value;
}

function trimmed(text: string): string {
  return text.replace(/^[ \0]+|[ \0]+$/g, "");
}
