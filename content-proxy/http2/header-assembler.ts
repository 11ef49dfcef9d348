import type { FrameHeader } from "./frame-reader.ts";
import { ConnectionError, frameFlags, resetCodes } from "./protocol.ts";

/**
 * Header block of a request at most, and frames of it. gRPC's own limit is 8 KiB, so even
 * a peer that sends frames with little in them is well within.
 */
const blockBytesMax = 64 * 1024;
const partsMax = 32;

/** A header block with all its parts. */
export interface HeaderBlock {
  readonly streamId: number;
  readonly block: Buffer;
  readonly endStream: boolean;
}

/** Puts header blocks together from HEADERS and the CONTINUATION frames after it. */
export class HeaderAssembler {
  /** HEADERS of the block that goes on in the next frame. */
  #start: FrameHeader | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** A block is not whole: the next frame must be CONTINUATION. */
  get isWithinBlock(): boolean {
    return this.#start !== undefined;
  }

  /** @throws {ConnectionError} when the frame is malformed, or the block too long. */
  headers(header: FrameHeader, payload: Buffer): HeaderBlock | undefined {
    if (header.streamId === 0) throw protocolError("HEADERS without a stream");
    const isPadded = (header.flags & frameFlags.padded) !== 0;
    const hasPriority = (header.flags & frameFlags.priority) !== 0;
    const start = (isPadded ? 1 : 0) + (hasPriority ? 5 : 0);
    const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
    if (start > payload.length) {
      throw new ConnectionError(resetCodes.frameSizeError, "Cannot read HEADERS: too short");
    }
    if (start > end) throw protocolError("HEADERS with more padding than length");
    this.#start = header;
    return this.#add(header, payload.subarray(start, end));
  }

  /** @throws {ConnectionError} when there is nothing to go on with, or the block is too long. */
  continuation(header: FrameHeader, payload: Buffer): HeaderBlock | undefined {
    if (this.#start?.streamId !== header.streamId) throw protocolError("unexpected CONTINUATION");
    return this.#add(header, payload);
  }

  #add({ flags, streamId }: FrameHeader, part: Buffer): HeaderBlock | undefined {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes > blockBytesMax || this.#parts.length > partsMax) {
      throw new ConnectionError(resetCodes.enhanceYourCalm, "Cannot take headers: too many");
    }
    if ((flags & frameFlags.endHeaders) === 0) return undefined;
    const endStream = ((this.#start?.flags ?? 0) & frameFlags.endStream) !== 0;
    const block = this.#parts.length === 1 ? part : Buffer.concat(this.#parts);
    this.#start = undefined;
    this.#parts = [];
    this.#bytes = 0;
    return { streamId, block, endStream };
  }
}

function protocolError(what: string): ConnectionError {
  return new ConnectionError(resetCodes.protocolError, `Cannot take frame: ${what}`);
}
