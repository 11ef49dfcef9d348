import type { Duplex } from "node:stream";

import { frameHeaderLength, frameTypes } from "./protocol.ts";

/**
 * Frames are gathered here and go out together. Twice what one answer at once takes
 * (see the stream's `respond`), so that the next one finds room while one is on its way.
 */
const bufferLength = 256 * 1024;

/** Most bytes that may be reserved at once. */
export const reserveBytesMax = bufferLength / 2;

/**
 * Gathers the frames of one turn of the event loop and writes them to the socket with one
 * call. Its buffer is used again once the kernel has taken what is in it, which is mostly
 * at once.
 */
export class FrameWriter {
  readonly #socket: Duplex;
  #buffer = Buffer.allocUnsafeSlow(bufferLength);
  /** Where the bytes start that the socket has not been given. */
  #start = 0;
  #end = 0;
  #isScheduled = false;
  readonly #flushScheduled = () => {
    this.#isScheduled = false;
    this.flush();
  };

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** The peer reads slower than we write: hold back what can wait until 'drain'. */
  get isCongested(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Where {@link reserve} has made room. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /**
   * Makes room for bytes that the caller fills in before it returns to the event loop.
   *
   * @returns Where they go in {@link buffer}, which may have been replaced.
   */
  reserve(length: number): number {
    this.#reuseBuffer();
    if (this.#end + length > bufferLength) {
      this.flush();
      if (this.#end + length > bufferLength) this.#replaceBuffer();
    }
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      queueMicrotask(this.#flushScheduled);
    }
    const at = this.#end;
    this.#end += length;
    return at;
  }

  /** Takes the last reservation back. */
  release(length: number): void {
    this.#end -= length;
  }

  /** Hands what was gathered to the socket. Happens by itself before the event loop goes on. */
  flush(): void {
    if (this.#end === this.#start) return;
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(bytes);
  }

  /** Writes a frame with a payload of at most `frameLengthMax` bytes. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const at = this.reserve(frameHeaderLength + payload.length);
    writeFrameHeader(this.#buffer, at, { type, flags, streamId, length: payload.length });
    this.#buffer.set(payload, at + frameHeaderLength);
  }

  /** Writes RST_STREAM or WINDOW_UPDATE: a number for a stream. */
  numberFrame(type: number, streamId: number, value: number): void {
    const at = this.reserve(frameHeaderLength + 4);
    writeFrameHeader(this.#buffer, at, { type, flags: 0, streamId, length: 4 });
    this.#buffer.writeUInt32BE(value, at + frameHeaderLength);
  }

  /** Writes SETTINGS. */
  settings(settings: readonly (readonly [id: number, value: number])[]): void {
    const payload = Buffer.alloc(settings.length * 6);
    settings.forEach(([id, value], position) => {
      payload.writeUInt16BE(id, position * 6);
      payload.writeUInt32BE(value, position * 6 + 2);
    });
    this.frame(frameTypes.settings, 0, 0, payload);
  }

  /** Writes GOAWAY. */
  goaway(lastStreamId: number, code: number): void {
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(lastStreamId, 0);
    payload.writeUInt32BE(code, 4);
    this.frame(frameTypes.goaway, 0, 0, payload);
  }

  /** Nobody looks at what was written any more once the socket is done with it. */
  #reuseBuffer(): void {
    if (this.#start === this.#end && this.#socket.writableLength === 0) {
      this.#start = this.#end = 0;
    }
  }

  #replaceBuffer(): void {
    this.#buffer = Buffer.allocUnsafeSlow(bufferLength);
    this.#start = this.#end = 0;
  }
}

/** Writes the header of a frame, at most `frameLengthMax` long, into a buffer. */
export function writeFrameHeader(
  target: Buffer,
  at: number,
  frame: {
    readonly type: number;
    readonly flags: number;
    readonly streamId: number;
    readonly length: number;
  },
): void {
  target[at] = frame.length >> 16;
  target[at + 1] = frame.length >> 8;
  target[at + 2] = frame.length;
  target[at + 3] = frame.type;
  target[at + 4] = frame.flags;
  target.writeUInt32BE(frame.streamId, at + 5);
}
