import {
  checkConnectionFrame,
  checkLength,
  protocolError,
  windowTooLarge,
} from "./frame-errors.ts";
import type { ConnectionDeps } from "./connection-deps.ts";
import { sayFarewell } from "./farewell.ts";
import { FrameReader, type FrameHeader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { HeaderAssembler, type HeaderBlock } from "./header-assembler.ts";
import { streamWindowsIn } from "./peer-settings.ts";
import {
  ConnectionError,
  frameFlags,
  frameTypes,
  resetCodes,
  settingIds,
  windowDefaultBytes,
  windowMaxBytes,
} from "./protocol.ts";
import { RecentResets } from "./recent-resets.ts";
import { SendTurns } from "./send-turns.ts";
import { Http2Stream, type StreamOwner } from "./stream.ts";

/** What both ends of an HTTP/2 connection have in common. @see RFC 9113 */
export class Connection implements StreamOwner {
  readonly isServer: boolean;
  readonly writer: FrameWriter;
  readonly streams = new Map<number, Http2Stream>();
  sendWindow = windowDefaultBytes;
  readonly #deps: ConnectionDeps;
  readonly #turns = new SendTurns();
  readonly #resets = new RecentResets();
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
        this.#turns.pump();
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
    this.#resets.add(streamId);
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
    this.#turns.add(stream);
  }

  forget(stream: Http2Stream): void {
    this.#turns.delete(stream);
    this.streams.delete(stream.id);
    if (!stream.isRemoteEnded) this.#resets.add(stream.id);
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
    sayFarewell(this.#deps.socket);
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
    for (const bytes of streamWindowsIn(payload)) this.#setStreamWindow(bytes);
    this.writer.frame(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0));
    this.#turns.pump();
  }

  /** Changes the window of streams that are open, too. */
  #setStreamWindow(bytes: number): void {
    const change = bytes - this.#peerStreamWindow;
    this.#peerStreamWindow = bytes;
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
    this.#turns.pump();
  }

  #streamError(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream) stream.reset(code);
    else if (this.#deps.isIdle(streamId)) throw new ConnectionError(code, "Cannot take frame");
  }
}
