import { InvalidArgumentError } from "../../core/errors.ts";

/** A ReadContentRequest as it came, with nothing checked but its form. */
export interface ReadRequest {
  readonly digest: string;
  /** Below 0 means 0. */
  readonly offset: number;
  /** 0 and below mean: to the end of the blob. */
  readonly size: number;
}

/** Longest request that is accepted: a digest and two integers, with room for unknown fields. */
export const readRequestBytesMax = 4096;

/** Bytes that {@link writeReadResponseHead} writes at most: flag, length, tag, length. */
export const readResponseHeadBytesMax = 5 + 1 + 5;

const dataTag = (2 << 3) | 2;

/**
 * Decodes a ReadContentRequest {digest = 1, offset = 2, size = 3}, unknown fields left out.
 *
 * @throws {InvalidArgumentError} when it is not one, or an integer is too large for a number.
 */
export function decodeReadRequest(message: Buffer): ReadRequest {
  const reader = { message, at: 0 };
  let digest = "";
  let offset = 0;
  let size = 0;
  while (reader.at < message.length) {
    const tag = readVarint(reader);
    if (tag === 10) digest = readString(reader);
    else if (tag === 16) offset = readInt64(reader);
    else if (tag === 24) size = readInt64(reader);
    else skipField(reader, tag);
  }
  return { digest, offset, size };
}

/** Length of {@link writeReadResponseHead} for that many bytes of data, above 0. */
export function readResponseHeadLength(dataLength: number): number {
  return 5 + 1 + varintLength(dataLength);
}

/**
 * Writes what stands before the data in a gRPC frame of one ReadContentResponse {offset = 1,
 * data = 2}. The offset is left out, as 0 is: it counts from the start of the read in the
 * reference and no client looks at it.
 *
 * @returns Where the data goes.
 */
export function writeReadResponseHead(target: Buffer, at: number, dataLength: number): number {
  target[at] = 0; // not compressed
  target.writeUInt32BE(1 + varintLength(dataLength) + dataLength, at + 1);
  target[at + 5] = dataTag;
  return writeVarint(target, at + 6, dataLength);
}

interface Reader {
  readonly message: Buffer;
  at: number;
}

function nextByte(reader: Reader): number {
  const byte = reader.message[reader.at++];
  if (byte === undefined) throw new InvalidArgumentError("Cannot decode request: it is cut short");
  return byte;
}

/** An unsigned integer; beyond 2^53 it is only approximately right, see {@link readInt64}. */
function readVarint(reader: Reader): number {
  let value = 0;
  let factor = 1;
  for (let length = 1; length <= 10; length++) {
    const byte = nextByte(reader);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw new InvalidArgumentError("Cannot decode request: an integer is too long");
}

/** Negative values are told apart only as far as their sign: what they mean is never their size. */
function readInt64(reader: Reader): number {
  const value = readVarint(reader);
  if (value >= 2 ** 63) return -1;
  if (value <= Number.MAX_SAFE_INTEGER) return value;
  throw new InvalidArgumentError("Cannot decode request: an integer is too large");
}

function readString(reader: Reader): string {
  const length = readVarint(reader);
  const start = reader.at;
  skipBytes(reader, length);
  return reader.message.toString("latin1", start, reader.at);
}

function skipBytes(reader: Reader, length: number): void {
  if (length > reader.message.length - reader.at) {
    throw new InvalidArgumentError("Cannot decode request: it is cut short");
  }
  reader.at += length;
}

function skipField(reader: Reader, tag: number): void {
  if (tag < 8) throw new InvalidArgumentError("Cannot decode request: field number is 0");
  switch (tag % 8) {
    case 0:
      readVarint(reader);
      return;
    case 1:
      skipBytes(reader, 8);
      return;
    case 2:
      skipBytes(reader, readVarint(reader));
      return;
    case 5:
      skipBytes(reader, 4);
      return;
    default:
      throw new InvalidArgumentError("Cannot decode request: unknown wire type");
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[next++] = (rest % 128) | 0x80;
  target[next++] = rest;
  return next;
}
