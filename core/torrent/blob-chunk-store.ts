import type { Callback, ChunkPart, ChunkStore } from "webtorrent";

import type { PieceLayout } from "../piece-layout.ts";
import { pieceLengthAt } from "../piece-layout.ts";

/** Where a {@link BlobChunkStore} reads, and what it does with pieces that come. */
export interface BlobChunkStoreDeps {
  readonly layout: PieceLayout;
  /** Fills the buffer from a position of the blob. */
  readonly read: (buffer: Uint8Array, position: number) => Promise<void>;
  /** Takes a piece that webtorrent has got. */
  readonly take: (index: number, bytes: Uint8Array) => Promise<void>;
}

/** The file of a blob, as webtorrent wants to see it. */
export class BlobChunkStore implements ChunkStore {
  readonly chunkLength: number;
  readonly #deps: BlobChunkStoreDeps;

  constructor(deps: BlobChunkStoreDeps) {
    this.#deps = deps;
    this.chunkLength = deps.layout.pieceLength;
  }

  get(index: number, part: ChunkPart | undefined, done: Callback<Uint8Array>): void {
    const { layout, read } = this.#deps;
    const offset = part?.offset ?? 0;
    const buffer = Buffer.allocUnsafe(part?.length ?? pieceLengthAt(layout, index) - offset);
    read(buffer, index * layout.pieceLength + offset).then(() => done(null, buffer), done);
  }

  put(index: number, bytes: Uint8Array, done: Callback<undefined>): void {
    this.#deps.take(index, bytes).then(() => done(null), done);
  }

  close(done: Callback<undefined>): void {
    done(null);
  }

  destroy(done: Callback<undefined>): void {
    done(null);
  }
}
