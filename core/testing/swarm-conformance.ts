import assert from "node:assert/strict";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { DigestMismatchError, UnavailableError } from "../errors.ts";
import { createMetainfo } from "../metainfo.ts";
import type { Announcer } from "../ports/announcer.ts";
import type { Download, SeededBlob, Swarm, WantedBlob } from "../ports/swarm.ts";
import { type BlobFixture, blobFixture } from "./blob-fixture.ts";
import { cleanUpOf } from "./clean-up.ts";
import { MemoryTracker } from "./memory-tracker.ts";
import { testFolder } from "./test-folder.ts";

/** Opens one node of a swarm that takes peers on loopback. */
export type OpenSwarm = (
  options: { readonly announcer: Announcer; readonly dedicatedSeeder?: boolean },
  t: TestContext,
) => Promise<Swarm>;

/** Several nodes in one process, their files, and a tracker. Freed when the test ends. */
export class SwarmBench {
  readonly tracker = new MemoryTracker();
  readonly #open: OpenSwarm;
  readonly #t: TestContext;
  readonly folder: string;
  #files = 0;

  private constructor(open: OpenSwarm, t: TestContext, folder: string) {
    this.#open = open;
    this.#t = t;
    this.folder = folder;
  }

  static async create(open: OpenSwarm, t: TestContext): Promise<SwarmBench> {
    return new SwarmBench(open, t, testFolder(t, "swarm"));
  }

  async node(options: { readonly dedicatedSeeder?: boolean } = {}): Promise<Swarm> {
    return cleanUpOf(this.#t).use(
      await this.#open({ announcer: this.tracker.announcer(), ...options }, this.#t),
    );
  }

  /** Writes a blob's file, to be seeded. */
  async seeded({ bytes, digest, metainfo }: BlobFixture): Promise<SeededBlob> {
    const path = join(this.folder, `${++this.#files}`);
    await writeFile(path, bytes);
    const { infoHash } = metainfo;
    return { digest, infoHash, size: bytes.length, path, metainfo: async () => metainfo };
  }

  /** Makes an empty file for a blob to arrive in. */
  async wanted({ metainfo }: BlobFixture, known: Partial<WantedBlob> = {}): Promise<WantedBlob> {
    const path = join(this.folder, `${++this.#files}`);
    await writeFile(path, "");
    await truncate(path, metainfo.layout.size);
    return { torrent: metainfo, path, peers: [], webSeeds: [], ...known };
  }

  /** Starts a download that ends with the test at the latest. */
  download(swarm: Swarm, blob: WantedBlob): Download {
    return cleanUpOf(this.#t).use(swarm.download(blob));
  }

  seed(swarm: Swarm, blob: SeededBlob): AsyncDisposable {
    return cleanUpOf(this.#t).use(swarm.seed(blob));
  }
}

/** What every {@link Swarm} does; several nodes talk to each other. */
export function swarmConformance(name: string, open: OpenSwarm): void {
  const mebibyte = 1024 * 1024;

  for (const size of [1, 128 * 1024, 3 * mebibyte + 17]) {
    test(`${name} gets a blob of ${size} bytes from a node that seeds it`, async (t) => {
      const bench = await SwarmBench.create(open, t);
      const blob = blobFixture(size);
      bench.seed(await bench.node(), await bench.seeded(blob));
      const wanted = await bench.wanted(blob);
      const download = bench.download(await bench.node(), wanted);
      await download.whole();
      assert.deepEqual(await readFile(wanted.path), blob.bytes);
      assert.equal(download.bytesDone, size);
      assert.equal(download.availableEnd(0), size);
      assert.deepEqual(download.received, { peers: size, seeders: 0, webSeeds: 0, origin: 0 });
    });
  }

  test(`${name} counts what a dedicated seeder gave apart`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(mebibyte);
    bench.seed(await bench.node({ dedicatedSeeder: true }), await bench.seeded(blob));
    const download = bench.download(await bench.node(), await bench.wanted(blob));
    await download.whole();
    assert.deepEqual(download.received, { peers: 0, seeders: mebibyte, webSeeds: 0, origin: 0 });
  });

  test(`${name} passes pieces on while it downloads`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(8 * mebibyte);
    const seed = bench.seed(await bench.node(), await bench.seeded(blob));
    const nodes = await Promise.all([1, 2, 3].map(() => bench.node()));
    const downloads = await Promise.all(
      nodes.map(async (node) => bench.download(node, await bench.wanted(blob))),
    );
    await Promise.all(downloads.map((download) => download.whole()));
    // Whole ones still give, until they are disposed of.
    await seed[Symbol.asyncDispose]();
    const late = await bench.wanted(blob);
    await bench.download(await bench.node(), late).whole();
    assert.deepEqual(await readFile(late.path), blob.bytes);
  });

  test(`${name} resolves ready() for a range once its bytes are in the file`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(4 * mebibyte);
    bench.seed(await bench.node(), await bench.seeded(blob));
    const wanted = await bench.wanted(blob);
    const download = bench.download(await bench.node(), wanted);
    const range = { start: 3 * mebibyte + 5, end: 3 * mebibyte + 500_000 };
    await download.ready(range, t);
    assert.ok(download.availableEnd(range.start) >= range.end);
    const file = await readFile(wanted.path);
    assert.ok(
      file.subarray(range.start, range.end).equals(blob.bytes.subarray(range.start, range.end)),
    );
    await download.whole();
  });

  test(`${name} says that a source with the whole blob is connected`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(mebibyte);
    bench.seed(await bench.node(), await bench.seeded(blob));
    const download = bench.download(await bench.node(), await bench.wanted(blob));
    assert.equal(await download.hasGoodSource(t), true);
  });

  test(`${name} says that no source is good when its caller has no more time`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const download = bench.download(await bench.node(), await bench.wanted(blobFixture(1000)));
    assert.equal(await download.hasGoodSource({ signal: AbortSignal.abort() }), false);
  });

  test(`${name} keeps the pieces that are in the file already`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(4 * mebibyte);
    bench.seed(await bench.node(), await bench.seeded(blob));
    const wanted = await bench.wanted(blob);
    const kept = Buffer.from(blob.bytes);
    kept.fill(0, mebibyte, 2 * mebibyte);
    kept.fill(7, 3 * mebibyte, 3 * mebibyte + 1);
    await writeFile(wanted.path, kept);
    const download = bench.download(await bench.node(), wanted);
    await download.whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
    const { pieceLength } = blob.metainfo.layout;
    assert.equal(download.received.peers, mebibyte + pieceLength);
  });

  test(`${name} finds the end of a blob whose pieces fit but whose digest does not`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(mebibyte);
    const { pieceHashes, layout } = blob.metainfo;
    const { digest } = blobFixture(1, "another");
    const metainfo = createMetainfo({ digest, size: layout.size, pieceHashes });
    const lie = { ...blob, digest, metainfo };
    bench.seed(await bench.node(), await bench.seeded(lie));
    const download = bench.download(await bench.node(), await bench.wanted(lie));
    await assert.rejects(download.whole(), DigestMismatchError);
  });

  test(`${name} stops when it is disposed of, and tells those who wait`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const swarm = await bench.node();
    const wanted = await bench.wanted(blobFixture(1000));
    const download = swarm.download(wanted);
    const ready = download.ready({ start: 0, end: 1 }, t);
    const cancelled = download.ready({ start: 0, end: 1 }, { signal: AbortSignal.timeout(1) });
    await assert.rejects(cancelled, { name: "TimeoutError" });
    const whole = download.whole();
    await Promise.all([
      download[Symbol.asyncDispose](),
      assert.rejects(ready, UnavailableError),
      assert.rejects(whole, UnavailableError),
    ]);
    await download[Symbol.asyncDispose]();
    assert.deepEqual(bench.tracker.peersOf(wanted.torrent.infoHash), []);
    assert.deepEqual(swarm.status(), []);
  });

  test(`${name} goes from downloading to seeding without leaving the swarm`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(mebibyte);
    const { infoHash } = blob.metainfo;
    const first = bench.seed(await bench.node(), await bench.seeded(blob));
    const node = await bench.node();
    const wanted = await bench.wanted(blob);
    const download = bench.download(node, wanted);
    await download.whole();
    const { path } = wanted;
    const { digest, metainfo } = blob;
    const size = blob.bytes.length;
    bench.seed(node, { digest, infoHash, size, path, metainfo: async () => metainfo });
    await download[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    assert.equal(bench.tracker.peersOf(infoHash).length, 1);
    const late = await bench.wanted(blob);
    await bench.download(await bench.node(), late).whole();
    assert.deepEqual(await readFile(late.path), blob.bytes);
  });

  test(`${name} serves a blob until its last seed() is disposed of`, async (t) => {
    const bench = await SwarmBench.create(open, t);
    const blob = blobFixture(mebibyte);
    const node = await bench.node();
    const seeded = await bench.seeded(blob);
    const [first, second] = [node.seed(seeded), node.seed(seeded)];
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    const wanted = await bench.wanted(blob);
    await bench.download(await bench.node(), wanted).whole();
    assert.equal(node.status().length, 1);
    await second[Symbol.asyncDispose]();
    assert.deepEqual(node.status(), []);
    assert.ok(bench.tracker.log.includes("completed"));
  });
}
