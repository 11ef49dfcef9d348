import {
  ConnectionError,
  frameFlags,
  frameHeaderLength,
  frameLengthMax,
  frameTypes,
  resetCodes,
} from "./protocol.ts";

/** What comes before the payload. */
export interface FrameHeader {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** Takes the frames of a connection, in order. What it throws ends the reading. */
export interface FrameHandler {
  /** A frame that is not DATA, whole. The payload is only lent. */
  frame(header: FrameHeader, payload: Buffer): void;
  /** The start of a DATA frame, of whose length `padding` bytes are none of its data. */
  dataStart(header: FrameHeader, padding: number): void;
  /** The next part of a DATA frame's data, maybe empty. It may be kept. */
  data(bytes: Buffer, last: boolean): void;
}

/**
 * Cuts what a peer sends into frames. DATA is handed on as it arrives, without a copy;
 * of other frames at most one is kept until it is whole.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** Still to come of what must precede the frames. */
  #preface: Buffer;
  readonly #headerBytes = Buffer.alloc(frameHeaderLength);
  #headerLength = 0;
  /** Of the frame whose payload is being read. */
  #header: FrameHeader | undefined;
  /** Payload of it that is still to come, without padding. */
  #payloadLeft = 0;
  #paddingLeft = 0;
  #dataStarted = false;
  /** Payload so far, of a frame that is not DATA and came in parts. */
  #parts: Buffer[] = [];

  /** @param preface What the peer must send before its first frame. */
  constructor(handler: FrameHandler, preface: Buffer) {
    this.#handler = handler;
    this.#preface = preface;
  }

  /** @throws {ConnectionError} when the bytes cannot be frames; also what the handler throws. */
  read(chunk: Buffer): void {
    let at = this.#preface.length > 0 ? this.#readPreface(chunk) : 0;
    while (at < chunk.length) {
      at = this.#header ? this.#readPayload(chunk, at, this.#header) : this.#readHeader(chunk, at);
    }
  }

  #readPreface(chunk: Buffer): number {
    const length = Math.min(chunk.length, this.#preface.length);
    if (this.#preface.compare(chunk, 0, length, 0, length) !== 0) {
      throw new ConnectionError(resetCodes.protocolError, "Cannot read frames: bad preface");
    }
    this.#preface = this.#preface.subarray(length);
    return length;
  }

  #readHeader(chunk: Buffer, at: number): number {
    if (this.#headerLength === 0 && chunk.length - at >= frameHeaderLength) {
      this.#startFrame(chunk, at);
      return at + frameHeaderLength;
    }
    const length = Math.min(frameHeaderLength - this.#headerLength, chunk.length - at);
    chunk.copy(this.#headerBytes, this.#headerLength, at, at + length);
    this.#headerLength += length;
    if (this.#headerLength === frameHeaderLength) {
      this.#headerLength = 0;
      this.#startFrame(this.#headerBytes, 0);
    }
    return at + length;
  }

  #startFrame(bytes: Buffer, at: number): void {
    const header = {
      length: bytes.readUIntBE(at, 3),
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      streamId: bytes.readUInt32BE(at + 5) & 0x7fffffff,
    };
    if (header.length > frameLengthMax) {
      throw new ConnectionError(resetCodes.frameSizeError, "Cannot read frame: it is too long");
    }
    this.#header = header;
    this.#payloadLeft = header.length;
    this.#paddingLeft = 0;
    this.#dataStarted = false;
    if (header.length === 0) this.#readPayload(emptyBytes, 0, header);
  }

  #readPayload(chunk: Buffer, at: number, header: FrameHeader): number {
    return header.type === frameTypes.data
      ? this.#readData(chunk, at, header)
      : this.#readWhole(chunk, at, header);
  }

  #readWhole(chunk: Buffer, at: number, header: FrameHeader): number {
    const end = Math.min(chunk.length, at + this.#payloadLeft);
    this.#payloadLeft -= end - at;
    const part = chunk.subarray(at, end);
    if (this.#payloadLeft > 0) {
      this.#parts.push(part);
      return end;
    }
    const payload = this.#parts.length > 0 ? Buffer.concat([...this.#parts, part]) : part;
    this.#parts = [];
    this.#header = undefined;
    this.#handler.frame(header, payload);
    return end;
  }

  #readData(chunk: Buffer, start: number, header: FrameHeader): number {
    let at = start;
    if (!this.#dataStarted) {
      if ((header.flags & frameFlags.padded) !== 0) {
        this.#paddingLeft = chunk[at++] ?? 0;
        this.#payloadLeft -= 1 + this.#paddingLeft;
        if (this.#payloadLeft < 0) {
          throw new ConnectionError(resetCodes.protocolError, "Cannot read DATA: bad padding");
        }
      }
      this.#dataStarted = true;
      this.#handler.dataStart(header, header.length - this.#payloadLeft);
      if (this.#payloadLeft === 0) this.#handler.data(emptyBytes, true);
    }
    if (this.#payloadLeft > 0) {
      const end = Math.min(chunk.length, at + this.#payloadLeft);
      if (end === at) return at;
      this.#payloadLeft -= end - at;
      this.#handler.data(chunk.subarray(at, end), this.#payloadLeft === 0);
      at = end;
    }
    const padding = Math.min(this.#paddingLeft, chunk.length - at);
    this.#paddingLeft -= padding;
    if (this.#payloadLeft === 0 && this.#paddingLeft === 0) this.#header = undefined;
    return at + padding;
  }
}

const emptyBytes = Buffer.alloc(0);
