import type { Duplex } from "node:stream";

import { Connection } from "./connection.ts";
import type { HeaderBlock } from "./header-assembler.ts";
import { encodeHeaderBlock } from "./header-block.ts";
import type { HeaderField } from "./header-field.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { clientPreface, ConnectionError, resetCodes, settingIds } from "./protocol.ts";
import { requestProblem } from "./request-fields.ts";
import type { Http2Stream, StreamReceiver } from "./stream.ts";

/** Window of a stream. A whole WRITE of containerd's fits, so it is sent without a pause. */
const streamWindowBytes = 1024 * 1024;

/** Bytes on their way to us at most, and kept for receivers that are slow. */
const connectionWindowBytes = 16 * 1024 * 1024;

/** Streams at once. A busy node has some dozens: a Write for each blob that is pulled. */
const streamsMax = 1000;

/** Size of the fields of a request at most, as HPACK counts. */
const headerListBytesMax = 64 * 1024;

/** What HPACK starts with; it is not announced, and so must be this. */
const headerTableBytes = 4096;

export interface ServerConnectionDeps {
  readonly socket: Duplex;
  /** Answers a request, whose data go to what is returned. */
  readonly accept: (stream: Http2Stream, fields: readonly HeaderField[]) => StreamReceiver;
  /** The connection is over; with an error when the peer broke the rules. */
  readonly closed: (error: Error | undefined) => void;
}

/** Our end of a connection that a client has made. */
export class ServerConnection {
  readonly #deps: ServerConnectionDeps;
  readonly #connection: Connection;
  readonly #decoder = new HpackDecoder({
    tableBytesMax: headerTableBytes,
    listBytesMax: headerListBytesMax,
  });
  /** Highest number of a stream that the client opened. */
  #lastStreamId = 0;
  /** The same before we told it to open no more: that number may not grow. */
  #lastTakenId = 0;
  #isDraining = false;

  constructor(deps: ServerConnectionDeps) {
    this.#deps = deps;
    this.#connection = new Connection({
      isServer: true,
      socket: deps.socket,
      preface: clientPreface,
      streamWindowBytes,
      connectionWindowBytes,
      settings: [
        [settingIds.maxConcurrentStreams, streamsMax],
        [settingIds.maxHeaderListSize, headerListBytesMax],
      ],
      headers: (headers) => this.#headers(headers),
      isIdle: (streamId) => streamId % 2 === 0 || streamId > this.#lastStreamId,
      lastStreamId: () => this.#lastTakenId,
      goaway: () => this.drain(),
      forgotten: () => this.#endIfDrained(),
      closed: deps.closed,
    });
    this.#connection.start();
  }

  /** Takes no more streams, and ends the connection when those that are open have ended. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#connection.writer.goaway(this.#lastTakenId, resetCodes.noError);
    this.#endIfDrained();
  }

  /** Nothing comes or goes any more. */
  get isOver(): boolean {
    return this.#connection.isOver;
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#connection.destroy();
  }

  #headers({ streamId, block, endStream }: HeaderBlock): void {
    // Also when nobody wants the fields: the table must see every block.
    const { fields, tooLarge } = this.#decoder.decode(block);
    const stream = this.#connection.streams.get(streamId);
    if (stream) {
      trailers(stream, { fields, endStream });
      return;
    }
    if (streamId <= this.#lastStreamId) {
      if (this.#connection.wasReset(streamId)) return;
      throw new ConnectionError(resetCodes.streamClosed, "Cannot take HEADERS: stream is closed");
    }
    if (streamId % 2 === 0) {
      throw new ConnectionError(resetCodes.protocolError, "Cannot take HEADERS: even stream");
    }
    this.#lastStreamId = streamId;
    if (!this.#isDraining) this.#lastTakenId = streamId;
    // It was under way when we told the client, and so is more of it.
    if (this.#isDraining || this.#connection.streams.size >= streamsMax) {
      this.#connection.refuse(streamId, resetCodes.refusedStream);
    } else if (tooLarge) {
      this.#connection.refuse(streamId, resetCodes.enhanceYourCalm);
    } else if (requestProblem(fields) !== undefined) {
      this.#connection.refuse(streamId, resetCodes.protocolError);
    } else {
      this.#open(streamId, fields, endStream);
    }
  }

  #open(streamId: number, fields: readonly HeaderField[], endStream: boolean): void {
    const stream = this.#connection.addStream(streamId, endStream);
    stream.receiver = this.#deps.accept(stream, fields);
  }

  #endIfDrained(): void {
    if (this.#isDraining && this.#connection.streams.size === 0) this.#connection.end();
  }
}

function trailers(
  stream: Http2Stream,
  { fields, endStream }: { readonly fields: readonly HeaderField[]; readonly endStream: boolean },
): void {
  if (stream.isRemoteEnded) stream.reset(resetCodes.streamClosed);
  else if (!endStream) stream.reset(resetCodes.protocolError);
  else stream.receiveHeaders(encodeHeaderBlock(fields), endStream);
}
