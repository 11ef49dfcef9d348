import type { FrameWriter } from "./frame-writer.ts";
import { frameFlags, frameLengthMax, frameTypes, resetCodes, windowMaxBytes } from "./protocol.ts";
import { type Response, dataBytesMax, writeData, writeResponse } from "./response-frames.ts";

/** Queued parts of one stream at most: a peer could otherwise send a window byte by byte. */
const queuedPartsMax = 8192;

/** Takes what the peer sends on a stream. */
export interface StreamReceiver {
  /** A header block that stands for itself: of a response, or trailers. */
  headers(block: Buffer, endStream: boolean): void;
  /** Data, which may be kept. To be given back with `credit()` once it is dealt with. */
  data(bytes: Buffer, endStream: boolean): void;
  /** The stream is over, by the peer's reset, by ours, or with its connection. */
  reset(code: number): void;
  /** So many bytes of data have gone out. */
  sent(length: number): void;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  /** Its streams are over once the response is sent, whatever the peer still wants to send. */
  readonly isServer: boolean;
  readonly writer: FrameWriter;
  /** Bytes of data that the peer takes on all streams together. */
  sendWindow: number;
  /** Bytes of data were dealt with. */
  credit(length: number): void;
  /** The stream has something to send, when windows and socket allow. */
  wait(stream: Http2Stream): void;
  /** The stream needs no more of the connection's care. */
  forget(stream: Http2Stream): void;
}

type Part =
  | { readonly block: Buffer; readonly endStream: boolean }
  | { bytes: Buffer; readonly endStream: boolean };

/** One stream of a connection, seen from either end. */
export class Http2Stream {
  readonly id: number;
  receiver: StreamReceiver = ignoringReceiver;
  readonly #owner: StreamOwner;
  readonly #receiveWindowBytes: number;
  #receiveWindow: number;
  /** Bytes received and not yet given back. */
  #unread = 0;
  /** Bytes given back of which the peer was not told. */
  #uncredited = 0;
  #sendWindow: number;
  readonly #queue: Part[] = [];
  #wake: (() => void) | undefined;
  #isLocalEnded = false;
  #isRemoteEnded: boolean;
  #isReset = false;

  constructor(
    owner: StreamOwner,
    {
      id,
      sendWindowBytes,
      receiveWindowBytes,
      isRemoteEnded,
    }: {
      readonly id: number;
      readonly sendWindowBytes: number;
      readonly receiveWindowBytes: number;
      readonly isRemoteEnded: boolean;
    },
  ) {
    this.#owner = owner;
    this.#isRemoteEnded = isRemoteEnded;
    this.id = id;
    this.#sendWindow = sendWindowBytes;
    this.#receiveWindowBytes = receiveWindowBytes;
    this.#receiveWindow = receiveWindowBytes;
  }

  /** The peer has sent all that it will send. */
  get isRemoteEnded(): boolean {
    return this.#isRemoteEnded;
  }

  /** Both sides are done, or it was reset: nothing can be sent any more. */
  get isClosed(): boolean {
    return this.#isReset || (this.#isLocalEnded && this.#isRemoteEnded);
  }

  /** Bytes of data that could go out now. */
  get writableLength(): number {
    if (this.#queue.length > 0 || this.#owner.writer.isCongested) return 0;
    return Math.max(0, Math.min(this.#sendWindow, this.#owner.sendWindow));
  }

  /** Sends headers or trailers, after what was given before. */
  sendHeaders(block: Buffer, endStream: boolean): void {
    this.#enqueue({ block, endStream });
  }

  /** Sends data, after what was given before; it is kept until the windows allow. */
  sendData(bytes: Buffer, endStream: boolean): void {
    this.#enqueue({ bytes, endStream });
  }

  /**
   * Sends a whole response with one stroke, if it can go out now; otherwise does nothing.
   * What `fill` throws is passed on, and nothing was sent then either.
   */
  respond(response: Response): boolean {
    const { bodyLength } = response;
    if (this.writableLength < bodyLength || this.isClosed) return false;
    if (!writeResponse(this.#owner.writer, this.id, response)) return false;
    this.#spend(bodyLength);
    this.#endLocal();
    return true;
  }

  /** Sends data at once that `fill` writes, if they can go out now; otherwise does nothing. */
  sendNow(bodyLength: number, fill: Response["fill"]): boolean {
    if (this.writableLength < bodyLength || bodyLength > dataBytesMax) return false;
    writeData(this.#owner.writer, this.id, { bodyLength, fill });
    this.#spend(bodyLength);
    return true;
  }

  /** Calls back once when data could go out, or when the stream is over. */
  whenWritable(callback: () => void): void {
    this.#wake = callback;
    if (this.isClosed || this.writableLength > 0) this.#wakeUp();
    else this.#owner.wait(this);
  }

  /** Ends the stream at once, both ways. */
  reset(code: number): void {
    const wasClosed = this.isClosed;
    this.#over();
    if (wasClosed) return;
    this.#owner.writer.numberFrame(frameTypes.rstStream, this.id, code);
    this.#owner.forget(this);
    this.receiver.reset(code);
  }

  /** Gives back bytes that the receiver was given: the peer may send as many more. */
  credit(length: number): void {
    const credited = Math.min(length, this.#unread);
    if (credited === 0) return;
    this.#unread -= credited;
    this.#owner.credit(credited);
    if (this.#isRemoteEnded) return;
    this.#uncredited += credited;
    if (this.#uncredited < this.#receiveWindowBytes / 2) return;
    this.#owner.writer.numberFrame(frameTypes.windowUpdate, this.id, this.#uncredited);
    this.#receiveWindow += this.#uncredited;
    this.#uncredited = 0;
  }

  /** For the connection: headers came. */
  receiveHeaders(block: Buffer, endStream: boolean): void {
    if (endStream) this.#isRemoteEnded = true;
    this.receiver.headers(block, endStream);
    if (endStream) this.#forgetIfDone();
  }

  /** For the connection: a DATA frame begins. Its whole length counts for flow control. */
  receiveDataStart(length: number, padding: number): void {
    this.#receiveWindow -= length;
    this.#unread += length;
    if (this.#isRemoteEnded) {
      this.reset(resetCodes.streamClosed);
    } else if (this.#receiveWindow < 0) {
      this.reset(resetCodes.flowControlError);
    } else {
      this.credit(padding);
    }
  }

  /** For the connection: a part of a DATA frame came. */
  receiveData(bytes: Buffer, endStream: boolean): void {
    if (this.#isReset || (bytes.length === 0 && !endStream)) return;
    if (endStream) this.#isRemoteEnded = true;
    this.receiver.data(bytes, endStream);
    if (endStream) this.#forgetIfDone();
  }

  /** For the connection: the peer has reset the stream, or the connection is lost. */
  receiveReset(code: number): void {
    this.#over();
    this.#owner.forget(this);
    this.receiver.reset(code);
  }

  /** For the connection: the peer takes more, or with its settings less. @returns false if too much */
  growSendWindow(length: number): boolean {
    this.#sendWindow += length;
    return this.#sendWindow <= windowMaxBytes;
  }

  /** For the connection: sends one frame, if it can. @returns whether it did */
  transmit(): boolean {
    const part = this.#queue[0];
    if (this.isClosed || this.#owner.writer.isCongested) return false;
    if (!part) {
      if (this.writableLength > 0) this.#wakeUp();
      return false;
    }
    if ("block" in part) {
      this.#transmitBlock(part.block, part.endStream);
      this.#queue.shift();
      if (part.endStream) this.#endLocal();
      return true;
    }
    const { length } = part.bytes;
    const allowed = Math.min(length, this.#sendWindow, this.#owner.sendWindow, frameLengthMax);
    if (length > 0 && allowed <= 0) return false;
    const isLast = allowed === length;
    const flags = isLast && part.endStream ? frameFlags.endStream : 0;
    this.#owner.writer.frame(frameTypes.data, flags, this.id, part.bytes.subarray(0, allowed));
    if (isLast) this.#queue.shift();
    else part.bytes = part.bytes.subarray(allowed);
    this.#spend(allowed);
    if (flags !== 0) this.#endLocal();
    this.receiver.sent(allowed);
    return true;
  }

  /** For the connection: whether `transmit()` may have something to do later. */
  get isWaiting(): boolean {
    return !this.isClosed && (this.#queue.length > 0 || this.#wake !== undefined);
  }

  #enqueue(part: Part): void {
    if (this.isClosed || this.#isLocalEnded) return;
    this.#queue.push(part);
    if (this.#queue.length > queuedPartsMax) {
      this.reset(resetCodes.enhanceYourCalm);
      return;
    }
    // Behind others of the stream, or behind those who wait for the socket: wait in turn.
    while (this.#queue.length > 0 && this.transmit());
    if (this.isWaiting) this.#owner.wait(this);
  }

  #transmitBlock(block: Buffer, endStream: boolean): void {
    const { writer } = this.#owner;
    let flags = endStream ? frameFlags.endStream : 0;
    let type: number = frameTypes.headers;
    let at = 0;
    do {
      const part = block.subarray(at, at + frameLengthMax);
      at += part.length;
      if (at === block.length) flags |= frameFlags.endHeaders;
      writer.frame(type, flags, this.id, part);
      type = frameTypes.continuation;
      flags = 0;
    } while (at < block.length);
  }

  #spend(length: number): void {
    this.#sendWindow -= length;
    this.#owner.sendWindow -= length;
  }

  #endLocal(): void {
    this.#isLocalEnded = true;
    this.#queue.length = 0;
    if (this.#owner.isServer && !this.#isRemoteEnded) this.reset(resetCodes.noError);
    else this.#forgetIfDone();
  }

  #forgetIfDone(): void {
    if (!this.isClosed) return;
    this.#owner.forget(this);
    this.#wakeUp();
  }

  /** After this nothing comes and goes; what was not dealt with counts as given back. */
  #over(): void {
    this.#isReset = true;
    this.#queue.length = 0;
    this.#owner.credit(this.#unread);
    this.#unread = 0;
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

const ignoringReceiver: StreamReceiver = {
  headers: () => undefined,
  data: () => undefined,
  reset: () => undefined,
  sent: () => undefined,
};
