import type { Duplex } from "node:stream";

import { Connection } from "./connection.ts";
import type { HeaderBlock } from "./header-assembler.ts";
import { clientPreface, ConnectionError, resetCodes, settingIds } from "./protocol.ts";
import type { Http2Stream } from "./stream.ts";

/** Windows of a connection within the process: they bound what lies between its two ends. */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 4 * 1024 * 1024;

/** Highest number that a stream can have. */
const streamIdMax = 2 ** 31 - 1;

/**
 * Our end of a connection to a server within this process, which is trusted to keep to our
 * settings. They forbid it to use a table for its header blocks, so that each of them
 * stands for itself and can be passed on as it is.
 */
export class ClientConnection {
  readonly #connection: Connection;
  #nextStreamId = 1;
  #isUsable = true;

  constructor(deps: { readonly socket: Duplex }) {
    this.#connection = new Connection({
      isServer: false,
      socket: deps.socket,
      preface: Buffer.alloc(0),
      streamWindowBytes,
      connectionWindowBytes,
      settings: [
        [settingIds.headerTableSize, 0],
        [settingIds.enablePush, 0],
      ],
      headers: (headers) => this.#headers(headers),
      isIdle: (streamId) => streamId % 2 === 0 || streamId >= this.#nextStreamId,
      lastStreamId: () => 0,
      goaway: () => {
        this.#isUsable = false;
        this.#endIfDrained();
      },
      forgotten: () => this.#endIfDrained(),
      closed: () => {
        this.#isUsable = false;
      },
    });
    const { writer } = this.#connection;
    clientPreface.copy(writer.buffer, writer.reserve(clientPreface.length));
    this.#connection.start();
  }

  /** Whether a stream can be opened. If not, make another connection. */
  get isUsable(): boolean {
    return this.#isUsable && this.#nextStreamId < streamIdMax;
  }

  /** Opens a stream. Give it a receiver and send its headers. */
  open(): Http2Stream {
    const stream = this.#connection.addStream(this.#nextStreamId, false);
    this.#nextStreamId += 2;
    return stream;
  }

  /** Cuts the connection. */
  destroy(): void {
    this.#connection.destroy();
  }

  #headers({ streamId, block, endStream }: HeaderBlock): void {
    const stream = this.#connection.streams.get(streamId);
    if (stream) stream.receiveHeaders(block, endStream);
    else if (!this.#connection.wasReset(streamId)) {
      throw new ConnectionError(resetCodes.protocolError, "Cannot take HEADERS: no such stream");
    }
  }

  #endIfDrained(): void {
    if (!this.#isUsable && this.#connection.streams.size === 0) this.#connection.end();
  }
}
