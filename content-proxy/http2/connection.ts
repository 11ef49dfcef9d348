import type { Duplex } from "node:stream";

import { FrameReader, type FrameHeader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { HeaderAssembler, type HeaderBlock } from "./header-assembler.ts";
import {
  ConnectionError,
  frameFlags,
  frameTypes,
  resetCodes,
  settingIds,
  windowDefaultBytes,
  windowMaxBytes,
} from "./protocol.ts";
import { Http2Stream, type StreamOwner } from "./stream.ts";

/** Streams of which we remember that we reset them: frames may still be under way. */
const resetsRememberedMax = 256;

/** How long a peer may take to read why it is thrown out. */
const farewellMs = 1000;

export interface ConnectionDeps {
  readonly isServer: boolean;
  readonly socket: Duplex;
  /** What the peer sends before its first frame. */
  readonly preface: Buffer;
  /** Flow-control window of each stream, and of all together. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** Further settings to announce. */
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** Takes each header block, also those for streams that are gone. */
  readonly headers: (headers: HeaderBlock) => void;
  /** Whether the peer may have opened a stream of that number. */
  readonly isIdle: (streamId: number) => boolean;
  /** Last stream of the peer's that we dealt with. */
  readonly lastStreamId: () => number;
  /** The peer opens no more streams and wants none opened. */
  readonly goaway: () => void;
  /** A stream is over. */
  readonly forgotten: () => void;
  /** The connection is over, and all its streams with it. With an error if by somebody's fault. */
  readonly closed: (error: Error | undefined) => void;
}

/** What both ends of an HTTP/2 connection have in common. @see RFC 9113 */
export class Connection implements StreamOwner {
  readonly isServer: boolean;
  readonly writer: FrameWriter;
  readonly streams = new Map<number, Http2Stream>();
  sendWindow = windowDefaultBytes;
  readonly #deps: ConnectionDeps;
  readonly #waiting = new Set<Http2Stream>();
  readonly #resets = new Set<number>();
  #peerStreamWindow = windowDefaultBytes;
  #receiveWindow: number;
  #uncredited = 0;
  #hasSettings = false;
  #isOver = false;
  /** The stream whose DATA frame is being read; `undefined` when it is gone. */
  #dataStream: Http2Stream | undefined;
  #dataEndsStream = false;
  readonly #assembler = new HeaderAssembler();

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.isServer = deps.isServer;
    this.writer = new FrameWriter(deps.socket);
    this.#receiveWindow = deps.connectionWindowBytes;
    const reader = new FrameReader(
      {
        frame: (header, payload) => this.#frame(header, payload),
        dataStart: (header, padding) => this.#dataStart(header, padding),
        data: (bytes, last) => this.#dataStream?.receiveData(bytes, last && this.#dataEndsStream),
      },
      deps.preface,
    );
    deps.socket
      .on("data", (chunk: Buffer) => this.#read(reader, chunk))
      .on("drain", () => {
        this.#pump();
        if (!this.writer.isCongested && !this.#isOver) deps.socket.resume();
      })
      .on("end", () => deps.socket.end())
      .on("error", () => this.#close(undefined)) // The peer is gone; that happens.
      .on("close", () => this.#close(undefined));
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends the settings; what must come before them was written by the caller. */
  start(): void {
    const { streamWindowBytes, connectionWindowBytes, settings } = this.#deps;
    this.writer.settings([[settingIds.initialWindowSize, streamWindowBytes], ...settings]);
    const more = connectionWindowBytes - windowDefaultBytes;
    if (more > 0) this.writer.numberFrame(frameTypes.windowUpdate, 0, more);
  }

  /** Adds a stream of that number. */
  addStream(id: number, isRemoteEnded: boolean): Http2Stream {
    const stream = new Http2Stream(this, {
      id,
      sendWindowBytes: this.#peerStreamWindow,
      receiveWindowBytes: this.#deps.streamWindowBytes,
      isRemoteEnded,
    });
    this.streams.set(id, stream);
    return stream;
  }

  /** Refuses a stream that was not added. */
  refuse(streamId: number, code: number): void {
    this.#rememberReset(streamId);
    this.writer.numberFrame(frameTypes.rstStream, streamId, code);
  }

  /** Whether we have reset that stream not long ago. */
  wasReset(streamId: number): boolean {
    return this.#resets.has(streamId);
  }

  /** Ends the connection after what was written. */
  end(): void {
    this.writer.flush();
    this.#close(undefined);
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#deps.socket.destroy();
    this.#close(undefined);
  }

  credit(length: number): void {
    this.#uncredited += length;
    if (this.#uncredited < this.#deps.connectionWindowBytes / 2) return;
    this.writer.numberFrame(frameTypes.windowUpdate, 0, this.#uncredited);
    this.#receiveWindow += this.#uncredited;
    this.#uncredited = 0;
  }

  wait(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  forget(stream: Http2Stream): void {
    this.#waiting.delete(stream);
    this.streams.delete(stream.id);
    if (!stream.isRemoteEnded) this.#rememberReset(stream.id);
    this.#deps.forgotten();
  }

  #read(reader: FrameReader, chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      reader.read(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.writer.flush();
    if (this.writer.isCongested) this.#deps.socket.pause();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const code = error instanceof ConnectionError ? error.code : resetCodes.internalError;
    this.writer.goaway(this.#deps.lastStreamId(), code);
    this.writer.flush();
    this.#close(error instanceof Error ? error : new Error(String(error)));
  }

  #close(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of [...this.streams.values()]) stream.receiveReset(resetCodes.cancel);
    const { socket } = this.#deps;
    if (!socket.destroyed) {
      socket.resume();
      socket.end();
      const timer = setTimeout(() => socket.destroy(), farewellMs);
      socket.once("close", () => clearTimeout(timer));
      socket.once("finish", () => socket.destroy());
    }
    this.#deps.closed(error);
  }

  #frame(header: FrameHeader, payload: Buffer): void {
    const { type } = header;
    if (!this.#hasSettings && type !== frameTypes.settings) {
      throw protocolError("the first frame is not SETTINGS");
    }
    if (this.#assembler.isWithinBlock && type !== frameTypes.continuation) {
      throw protocolError("a header block is cut short");
    }
    switch (type) {
      case frameTypes.headers:
        this.#headers(this.#assembler.headers(header, payload));
        break;
      case frameTypes.continuation:
        this.#headers(this.#assembler.continuation(header, payload));
        break;
      case frameTypes.rstStream:
        this.#rstStream(header, payload);
        break;
      case frameTypes.settings:
        this.#settings(header, payload);
        break;
      case frameTypes.ping:
        this.#ping(header, payload);
        break;
      case frameTypes.goaway:
        checkConnectionFrame(header, payload.length >= 8);
        this.#deps.goaway();
        break;
      case frameTypes.windowUpdate:
        this.#windowUpdate(header, payload);
        break;
      case frameTypes.priority:
        if (header.streamId === 0) throw protocolError("PRIORITY for the connection");
        if (payload.length !== 5) this.#streamError(header.streamId, resetCodes.frameSizeError);
        break;
      case frameTypes.pushPromise:
        throw protocolError("PUSH_PROMISE");
      default: // Frames of other types mean nothing to us, and are allowed.
    }
  }

  #dataStart(header: FrameHeader, padding: number): void {
    const { streamId, length, flags } = header;
    if (!this.#hasSettings || this.#assembler.isWithinBlock) throw protocolError("unexpected DATA");
    if (streamId === 0 || this.#deps.isIdle(streamId)) throw protocolError("DATA without a stream");
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) {
      throw new ConnectionError(resetCodes.flowControlError, "Cannot take DATA: window exceeded");
    }
    const stream = this.streams.get(streamId);
    this.#dataEndsStream = (flags & frameFlags.endStream) !== 0;
    this.#dataStream = stream;
    if (stream) {
      stream.receiveDataStart(length, padding);
      return;
    }
    this.credit(length);
    if (!this.wasReset(streamId)) this.refuse(streamId, resetCodes.streamClosed);
  }

  #headers(headers: HeaderBlock | undefined): void {
    if (headers) this.#deps.headers(headers);
  }

  #rstStream(header: FrameHeader, payload: Buffer): void {
    checkLength(payload, 4);
    const { streamId } = header;
    if (streamId === 0 || this.#deps.isIdle(streamId)) throw protocolError("RST_STREAM when idle");
    this.streams.get(streamId)?.receiveReset(payload.readUInt32BE(0));
  }

  #settings(header: FrameHeader, payload: Buffer): void {
    const isAck = (header.flags & frameFlags.ack) !== 0;
    checkConnectionFrame(header, isAck ? payload.length === 0 : payload.length % 6 === 0);
    if (isAck) {
      if (!this.#hasSettings) throw protocolError("the first frame is not SETTINGS");
      return;
    }
    this.#hasSettings = true;
    for (let at = 0; at < payload.length; at += 6) {
      this.#setting(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    this.writer.frame(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0));
    this.#pump();
  }

  #setting(id: number, value: number): void {
    if (id === settingIds.enablePush && value > 1) throw protocolError("bad ENABLE_PUSH");
    if (id === settingIds.maxFrameSize && (value < 2 ** 14 || value >= 2 ** 24)) {
      throw protocolError("bad MAX_FRAME_SIZE");
    }
    if (id !== settingIds.initialWindowSize) return;
    if (value > windowMaxBytes) throw windowTooLarge();
    const change = value - this.#peerStreamWindow;
    this.#peerStreamWindow = value;
    for (const stream of this.streams.values()) {
      if (!stream.growSendWindow(change)) throw windowTooLarge();
    }
  }

  #ping(header: FrameHeader, payload: Buffer): void {
    checkConnectionFrame(header, payload.length === 8);
    if ((header.flags & frameFlags.ack) !== 0) return;
    this.writer.frame(frameTypes.ping, frameFlags.ack, 0, payload);
  }

  #windowUpdate(header: FrameHeader, payload: Buffer): void {
    checkLength(payload, 4);
    const { streamId } = header;
    const length = payload.readUInt32BE(0) & 0x7fffffff;
    if (streamId === 0) {
      if (length === 0) throw protocolError("WINDOW_UPDATE of 0");
      this.sendWindow += length;
      if (this.sendWindow > windowMaxBytes) throw windowTooLarge();
    } else {
      if (this.#deps.isIdle(streamId)) throw protocolError("WINDOW_UPDATE when idle");
      const stream = this.streams.get(streamId);
      if (!stream) return;
      if (length === 0) stream.reset(resetCodes.protocolError);
      else if (!stream.growSendWindow(length)) stream.reset(resetCodes.flowControlError);
    }
    this.#pump();
  }

  #streamError(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream) stream.reset(code);
    else if (this.#deps.isIdle(streamId)) throw new ConnectionError(code, "Cannot take frame");
  }

  /** Sends what waits, a frame of each stream in turn, as long as windows and socket allow. */
  #pump(): void {
    for (let isMoving = this.#waiting.size > 0; isMoving;) {
      isMoving = false;
      for (const stream of this.#waiting) {
        if (stream.transmit()) isMoving = true;
        if (!stream.isWaiting) this.#waiting.delete(stream);
      }
    }
  }

  #rememberReset(streamId: number): void {
    this.#resets.add(streamId);
    if (this.#resets.size <= resetsRememberedMax) return;
    for (const oldest of this.#resets) {
      this.#resets.delete(oldest);
      break;
    }
  }
}

function checkConnectionFrame(header: FrameHeader, hasGoodLength: boolean): void {
  if (header.streamId !== 0) throw protocolError("a frame of the connection on a stream");
  if (!hasGoodLength) throw badLength();
}

function checkLength(payload: Buffer, length: number): void {
  if (payload.length !== length) throw badLength();
}

function badLength(): ConnectionError {
  return new ConnectionError(resetCodes.frameSizeError, "Cannot read frame: bad length");
}

function windowTooLarge(): ConnectionError {
  return new ConnectionError(resetCodes.flowControlError, "Cannot grow window: too large");
}

function protocolError(what: string): ConnectionError {
  return new ConnectionError(resetCodes.protocolError, `Cannot take frame: ${what}`);
}
