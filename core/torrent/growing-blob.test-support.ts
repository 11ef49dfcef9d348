import { type FileHandle, open, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { Notifier } from "../async/notifier.ts";
import { UnavailableError } from "../errors.ts";
import { type GrowingTorrent, growingInfoHash } from "../growing-torrent.ts";
import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { GrowingSeed, Swarm } from "../ports/swarm.ts";
import type { BlobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import type { SwarmBench } from "../testing/swarm-conformance.ts";

/** A blob that a dedicated seeder receives piece by piece, and what nodes are told of it. */
export class GrowingFixture {
  readonly torrent: GrowingTorrent;
  readonly seeder: Swarm;
  readonly seed: GrowingSeed;
  readonly path: string;
  /** Streams of hashes that were opened, by their start. */
  readonly opened: number[] = [];
  readonly #blob: BlobFixture;
  readonly #file: FileHandle;
  readonly #changes = new Notifier();
  #pieces = 0;
  #cuts = 0;

  private constructor(
    blob: BlobFixture,
    { seeder, file, path }: { seeder: Swarm; file: FileHandle; path: string },
  ) {
    const { digest, metainfo } = blob;
    const { layout } = metainfo;
    this.#blob = blob;
    this.#file = file;
    this.path = path;
    this.seeder = seeder;
    this.seed = seeder.seedGrowing({ digest, size: layout.size, path });
    const infoHash = growingInfoHash({ digest, size: layout.size });
    this.torrent = { digest, layout, infoHash, pieceHashes: (options) => this.#hashes(options) };
  }

  static async create(
    bench: SwarmBench,
    blob: BlobFixture,
    t: TestContext,
  ): Promise<GrowingFixture> {
    const path = join(bench.folder, "growing");
    await writeFile(path, "");
    const file = await open(path, "r+");
    cleanUpOf(t).defer(() => file.close());
    const seeder = await bench.node({ dedicatedSeeder: true });
    return new GrowingFixture(blob, { seeder, file, path });
  }

  get layout(): PieceLayout {
    return this.torrent.layout;
  }

  /** Receives the next pieces, all that are left by default. */
  async grow(count = this.layout.pieceCount - this.#pieces): Promise<void> {
    const { bytes, metainfo } = this.#blob;
    for (let grown = 0; grown < count; grown++) {
      const index = this.#pieces;
      const start = index * this.layout.pieceLength;
      const end = start + pieceLengthAt(this.layout, index);
      await this.#file.write(bytes, start, end - start, start);
      this.seed.grow(metainfo.pieceHashes.subarray(index * 20, index * 20 + 20));
      this.#pieces++;
      this.#changes.notify();
    }
  }

  /** Breaks all streams of hashes off; later ones go well. */
  cutHashes(): void {
    this.#cuts++;
    this.#changes.notify();
  }

  /** Makes a file for the blob to arrive in. */
  async target(bench: SwarmBench, name: string): Promise<string> {
    const path = join(bench.folder, name);
    await writeFile(path, "");
    await truncate(path, this.layout.size);
    return path;
  }

  async *#hashes(options: { readonly start: number; readonly signal: AbortSignal }) {
    this.opened.push(options.start);
    const { pieceHashes } = this.#blob.metainfo;
    const cuts = this.#cuts;
    for (let told = options.start; told < this.layout.pieceCount;) {
      while (told === this.#pieces) {
        await this.#changes.changed(options.signal);
        if (this.#cuts > cuts) throw new UnavailableError("The seeder hung up");
      }
      const end = this.#pieces;
      yield pieceHashes.subarray(told * 20, end * 20);
      told = end;
    }
  }
}
