import { Duplex } from "node:stream";

/** Bytes that a side lets lie unread before it holds the other one back. */
const highWaterMark = 256 * 1024;

/**
 * Two ends of a connection within the process: what is written to one is read from the
 * other.
 *
 * Unlike `duplexPair` of Node it never delivers while the writer is still at work, which an
 * HTTP/2 session of Node cannot bear; a write is not done before its bytes were consumed,
 * so that their memory can be used again; and destroying one end destroys the other.
 */
export function createInProcessPair(): [Duplex, Duplex] {
  const one = new PairEnd();
  const other = new PairEnd();
  one.connect(other);
  other.connect(one);
  return [one, other];
}

class PairEnd extends Duplex {
  #peer: PairEnd | undefined;
  /** Ends the peer's write when the last of its bytes was read. */
  #consumed: (() => void) | undefined;

  constructor() {
    super({ readableHighWaterMark: 1, writableHighWaterMark: highWaterMark });
  }

  connect(peer: PairEnd): void {
    this.#peer = peer;
  }

  override _read(): void {
    const consumed = this.#consumed;
    this.#consumed = undefined;
    // The reader is given the bytes after this call.
    if (consumed) queueMicrotask(consumed);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    queueMicrotask(() => this.#peer?.deliver(chunk, callback));
  }

  override _final(callback: () => void): void {
    queueMicrotask(() => {
      if (this.#peer?.destroyed === false) this.#peer.push(null);
      callback();
    });
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this._read();
    queueMicrotask(() => this.#peer?.destroy());
    callback(error);
  }

  deliver(chunk: Buffer, consumed: () => void): void {
    if (this.destroyed || this.readableEnded) {
      consumed();
      return;
    }
    this.push(chunk);
    if (this.readableLength === 0) consumed();
    else this.#consumed = consumed;
  }
}
