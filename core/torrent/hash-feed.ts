import { pause } from "../async/pause.ts";
import { MetainfoError, SourceMovedError } from "../errors.ts";
import type { GrowingTorrent } from "../growing-torrent.ts";
import { type Metainfo, createMetainfo } from "../metainfo.ts";
import { PieceHashes } from "./piece-hashes.ts";

/** Pauses before the hashes are asked for again, after one, two, … tries that gave none. */
const retryPausesMs = [250, 500, 1000, 2000] as const;

export interface HashFeedDeps {
  readonly torrent: GrowingTorrent;
  /** Takes the hashes of the next pieces, one at least. */
  readonly onHashes: (hashes: Uint8Array) => void;
  /** What was told are no hashes of these pieces; nothing more is read. */
  readonly onRefused: (error: MetainfoError) => void;
  /** Another seeder has the blob now; told after each try that ends so. */
  readonly onMoved: (error: SourceMovedError) => void;
}

/**
 * Reads the hashes of a growing torrent while its seeder tells them. Where the stream breaks
 * off it is asked for again from there, for as long as this is not disposed of: how long that
 * may be is for who waits for pieces to say.
 */
export class HashFeed implements AsyncDisposable {
  readonly #deps: HashFeedDeps;
  readonly #hashes: PieceHashes;
  readonly #over = new AbortController();
  readonly #run: Promise<void>;

  constructor(deps: HashFeedDeps) {
    this.#deps = deps;
    this.#hashes = new PieceHashes({ ...deps.torrent, pieceHashes: undefined });
    this.#run = this.#readAll();
  }

  /** The metainfo of the whole blob; `undefined` until all hashes are known. */
  metainfo(): Metainfo | undefined {
    const { digest, layout } = this.#deps.torrent;
    if (!this.#hashes.isComplete) return undefined;
    return createMetainfo({ digest, size: layout.size, pieceHashes: this.#hashes.bytes });
  }

  /** Reads no more. */
  stop(): void {
    this.#over.abort(new DOMException("The download has ended", "AbortError"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#run;
  }

  async #readAll(): Promise<void> {
    const { signal } = this.#over;
    for (let failures = 0; !signal.aborted;) {
      const before = this.#hashes.known;
      try {
        await this.#readSome();
      } catch (error) {
        if (error instanceof MetainfoError) {
          this.#deps.onRefused(error);
          return;
        }
        if (error instanceof SourceMovedError) this.#deps.onMoved(error);
      }
      if (this.#hashes.isComplete) return;
      failures = this.#hashes.known > before ? 0 : failures + 1;
      await pause(retryPausesMs[failures] ?? retryPausesMs[3], signal).catch(() => undefined);
    }
  }

  /** Reads until the stream ends, well or not, or all hashes are known. */
  async #readSome(): Promise<void> {
    const { torrent, onHashes } = this.#deps;
    const { signal } = this.#over;
    for await (const run of torrent.pieceHashes({ start: this.#hashes.known, signal })) {
      signal.throwIfAborted();
      this.#hashes.add(run);
      // A copy: with a view all of its buffer would go to the other thread.
      if (run.byteLength > 0) onHashes(new Uint8Array(run));
      if (this.#hashes.isComplete) return;
    }
  }
}
