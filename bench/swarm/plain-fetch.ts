import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { connect, type Socket } from "node:net";

import type { Metainfo } from "../../core/metainfo.ts";
import { pieceHashLength } from "../../core/piece-hasher.ts";
import {
  partCountOf,
  partLengthOf,
  partRange,
  partsInFlight,
  requestLength,
} from "./plain-parts.ts";

/** What the socket is read into; used again and again. */
const receiveBufferLength = 256 * 1024;

export interface PlainFetchOptions {
  /** Of the blob's size. */
  readonly file: FileHandle;
  readonly metainfo: Metainfo;
  readonly from: { readonly host: string; readonly port: number };
}

/** Gets a blob from `servePlainly()`: the SHA-1 of each piece is checked, then it is written. */
export async function fetchPlainly(options: PlainFetchOptions): Promise<void> {
  await new PlainFetch(options).run();
}

class PlainFetch {
  readonly #options: PlainFetchOptions;
  readonly #socket: Socket;
  readonly #done = Promise.withResolvers<undefined>();
  /** As many as can be asked for, and as many that are being written. */
  readonly #free: Buffer[];
  /** What the parts that were asked for go into, in their order. */
  readonly #asked: Buffer[] = [];
  #nextToAsk = 0;
  /** Number of the part that arrives, and how much of it has. */
  #arriving = 0;
  #filled = 0;
  #written = 0;

  constructor(options: PlainFetchOptions) {
    this.#options = options;
    const length = partLengthOf(options.metainfo.layout);
    this.#free = Array.from({ length: 2 * partsInFlight }, () => Buffer.allocUnsafeSlow(length));
    this.#socket = connect({ ...options.from, noDelay: true, onread: this.#receiver() });
    this.#socket.once("error", this.#done.reject);
    this.#socket.once("close", () => this.#done.reject(new Error("The other side has closed")));
  }

  async run(): Promise<void> {
    this.#askMore();
    await this.#done.promise;
    this.#socket.destroy();
  }

  #receiver() {
    const callback = (length: number, buffer: Uint8Array) => {
      this.#take(buffer.subarray(0, length));
      return true;
    };
    return { buffer: Buffer.allocUnsafeSlow(receiveBufferLength), callback };
  }

  #askMore(): void {
    const count = partCountOf(this.#options.metainfo.layout);
    while (this.#nextToAsk < count && this.#asked.length < partsInFlight) {
      const buffer = this.#free.pop();
      if (buffer === undefined) return;
      this.#asked.push(buffer);
      const request = Buffer.alloc(requestLength);
      request.writeUInt32BE(this.#nextToAsk++);
      this.#socket.write(request);
    }
  }

  #take(chunk: Uint8Array): void {
    for (let position = 0; position < chunk.length;) {
      const buffer = this.#asked[0];
      if (buffer === undefined) throw new Error("Bytes came that nobody has asked for");
      const { start, end } = partRange(this.#options.metainfo.layout, this.#arriving);
      const length = Math.min(chunk.length - position, end - start - this.#filled);
      buffer.set(chunk.subarray(position, position + length), this.#filled);
      position += length;
      this.#filled += length;
      if (this.#filled < end - start) continue;
      this.#asked.shift();
      this.#arriving++;
      this.#filled = 0;
      this.#askMore();
      this.#store(buffer, { start, length: end - start }).catch(this.#done.reject);
    }
  }

  async #store(buffer: Buffer, part: { readonly start: number; readonly length: number }) {
    const { file, metainfo } = this.#options;
    checkPieces(metainfo, buffer.subarray(0, part.length), part.start);
    await file.write(buffer, 0, part.length, part.start);
    this.#written++;
    if (this.#written === partCountOf(metainfo.layout)) this.#done.resolve(undefined);
    this.#free.push(buffer);
    this.#askMore();
  }
}

function checkPieces({ layout, pieceHashes }: Metainfo, part: Buffer, start: number): void {
  for (let offset = 0; offset < part.length; offset += layout.pieceLength) {
    const piece = part.subarray(offset, offset + layout.pieceLength);
    const place = ((start + offset) / layout.pieceLength) * pieceHashLength;
    const expected = pieceHashes.subarray(place, place + pieceHashLength);
    const hash = createHash("sha1").update(piece).digest();
    if (!hash.equals(expected)) throw new Error(`The piece at ${start + offset} is wrong`);
  }
}
