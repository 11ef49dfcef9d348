import type { Duplex } from "node:stream";

import { encodeHeaderBlock } from "./header-block.ts";
import { clientPreface, frameHeaderLength } from "./protocol.ts";

/** A frame as it is on the wire, taken apart. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** An HTTP/2 peer that sends what a test wants, in order or not. */
export class RawPeer {
  readonly #socket: Duplex;
  #received = Buffer.alloc(0);
  readonly #frames: RawFrame[] = [];
  readonly #waiting: (() => void)[] = [];
  #isEnded = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    const end = () => {
      this.#isEnded = true;
      for (const wake of this.#waiting.splice(0)) wake();
    };
    socket.on("end", end).on("close", end).on("error", end);
  }

  get socket(): Duplex {
    return this.#socket;
  }

  /** Sends the preface and SETTINGS of a client that has no wishes. */
  start(settings: Buffer = Buffer.alloc(0)): void {
    this.write(clientPreface, frame(4, { payload: settings }));
  }

  write(...bytes: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(bytes));
  }

  /** The next frame for which `wanted` holds; `undefined` when the peer hangs up before. */
  async next(wanted: (frame: RawFrame) => boolean): Promise<RawFrame | undefined> {
    for (;;) {
      const found = this.#frames.findIndex(wanted);
      if (found >= 0) return this.#frames.splice(found, 1)[0];
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The error code of the GOAWAY that comes. */
  async goawayCode(): Promise<number | undefined> {
    return (await this.next(({ type }) => type === 7))?.payload.readUInt32BE(4);
  }

  /** The error code with which a stream is reset. */
  async resetCode(streamId: number): Promise<number | undefined> {
    const reset = await this.next((frame) => frame.type === 3 && frame.streamId === streamId);
    return reset?.payload.readUInt32BE(0);
  }

  /** Waits until what was sent so far has been dealt with. */
  async sync(): Promise<void> {
    this.write(frame(6, { payload: Buffer.from("syncsync") }));
    await this.next(({ type, flags }) => type === 6 && flags === 1);
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= frameHeaderLength) {
      const end = frameHeaderLength + this.#received.readUIntBE(0, 3);
      if (this.#received.length < end) break;
      this.#frames.push({
        type: this.#received.readUInt8(3),
        flags: this.#received.readUInt8(4),
        streamId: this.#received.readUInt32BE(5),
        payload: this.#received.subarray(frameHeaderLength, end),
      });
      this.#received = this.#received.subarray(end);
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** A frame, well-formed or not. */
export function frame(
  type: number,
  {
    flags = 0,
    streamId = 0,
    payload = Buffer.alloc(0),
  }: { readonly flags?: number; readonly streamId?: number; readonly payload?: Buffer },
): Buffer {
  const header = Buffer.alloc(frameHeaderLength);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, payload]);
}

/** A number as four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One setting. */
export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.of(id >> 8, id), uint32(value)]);
}

/** HEADERS of a request, ending the block. */
export function requestFrame(
  streamId: number,
  {
    path = "/test",
    endStream = false,
    more = [],
  }: {
    readonly path?: string;
    readonly endStream?: boolean;
    readonly more?: readonly { readonly name: string; readonly value: string }[];
  } = {},
): Buffer {
  const payload = encodeHeaderBlock([
    { name: ":method", value: "POST" },
    { name: ":scheme", value: "http" },
    { name: ":path", value: path },
    ...more,
  ]);
  return frame(1, { flags: endStream ? 5 : 4, streamId, payload });
}
