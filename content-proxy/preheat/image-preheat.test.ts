import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { StorageFullError, UnavailableError } from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { mediaTypes } from "../../core/media-type.ts";
import type { NodeTask } from "../../core/node-task.ts";
import type { BlobRecord } from "../../core/ports/blob-store.ts";
import type { Repository } from "../../core/ports/origin.ts";
import { RecentBlobs } from "../recent-blobs.ts";
import { ImagePreheat, type ImagePreheatDeps } from "./image-preheat.ts";
import type { DownloadListener } from "./preheat-downloads.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

/** Blobs that somebody has, and those that are here, in memory. */
class Bench {
  readonly there = new Map<Digest, Buffer>();
  readonly here = new Map<Digest, Buffer>();
  readonly owned = new Set<Digest>();
  readonly learnt: string[] = [];
  readonly recent = new RecentBlobs();
  /** What the budget was asked to make room for, and the bytes that it cannot. */
  readonly reserved: (number | undefined)[] = [];
  excessBytes = 0;
  onObtain: (blob: Descriptor, listener: DownloadListener) => Promise<void> | void = () =>
    undefined;

  put(bytes: Buffer, mediaType = "layer"): Descriptor {
    const digest = digestOf(bytes);
    this.there.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** An image of one config and layers of these lengths. */
  putImage(seed: string, sizes: readonly number[]): Descriptor {
    const config = this.put(Buffer.from(`config ${seed}`), mediaTypes.ociConfig);
    const layers = sizes.map((size, at) => this.put(Buffer.alloc(size, `${seed} ${at} `)));
    const document = { mediaType: mediaTypes.ociManifest, config, layers };
    return this.put(Buffer.from(JSON.stringify(document)), mediaTypes.ociManifest);
  }

  putIndex(entries: readonly [Descriptor, typeof amd64][]): Descriptor {
    const manifests = entries.map(([descriptor, platform]) => ({ ...descriptor, platform }));
    const document = { mediaType: mediaTypes.ociIndex, manifests };
    return this.put(Buffer.from(JSON.stringify(document)), mediaTypes.ociIndex);
  }

  preheat(
    top: Descriptor,
    options: { platforms?: NodeTask["platforms"]; budgetBytes?: number } = {},
  ) {
    const { platforms = [amd64], budgetBytes = 1_000_000 } = options;
    const image = parseImageReference("registry.example/app:1");
    const deps: ImagePreheatDeps = {
      store: {
        find: (digest) => this.#find(digest),
        read: (digest) => this.#read(digest),
      },
      downloads: {
        obtain: async (blob, listener) => {
          await this.onObtain(blob, listener);
          const bytes = this.there.get(blob.digest);
          if (!bytes) throw new UnavailableError(`Cannot get ${blob.digest}`);
          this.here.set(blob.digest, bytes);
          listener.onBytes(blob.size);
        },
      },
      provenance: {
        learn: ({ registry, repository }: Repository, { digest }) =>
          void this.learnt.push(`${registry}/${repository} ${digest}`),
      },
      recent: this.recent,
      budget: {
        enforce: async (bytes) => {
          this.reserved.push(bytes);
          return this.excessBytes;
        },
      },
      budgetBytes,
    };
    return new ImagePreheat({ id: "", image, top, platforms }, deps);
  }

  #find(digest: Digest): BlobRecord | undefined {
    const bytes = this.here.get(digest);
    return (
      bytes && {
        ...{ digest, size: bytes.length, createdAt: 0n, updatedAt: 0n, labels: {} },
        ...{ provenance: "pull", owned: this.owned.has(digest), whole: true },
      }
    );
  }

  async *#read(digest: Digest): AsyncGenerator<Uint8Array> {
    const bytes = this.here.get(digest);
    assert.ok(bytes);
    yield bytes;
  }
}

function sizeOf(bench: Bench): number {
  return [...bench.here.values()].reduce((sum, { length }) => sum + length, 0);
}

test("an image comes with all of its platform, and where it is from is learnt", async (t) => {
  const bench = new Bench();
  const ours = bench.putImage("ours", [1000, 0, 2000]);
  const theirs = bench.putImage("theirs", [3000]);
  const top = bench.putIndex([
    [ours, amd64],
    [theirs, arm64],
  ]);
  const preheat = bench.preheat(top);
  await preheat.run(t);
  assert.equal(bench.here.has(top.digest), true);
  assert.equal(bench.here.has(ours.digest), true);
  assert.equal(bench.here.has(theirs.digest), false);
  const size = sizeOf(bench);
  assert.deepEqual(preheat.progress, { state: "fetching", bytes: size, size });
  for (const digest of bench.here.keys()) {
    assert.ok(bench.learnt.includes(`registry.example/app ${digest}`));
  }
});

test("room is made once for all that is missing, and what came is kept meanwhile", async (t: TestContext) => {
  const bench = new Bench();
  const top = bench.putImage("a", [1000, 2000]);
  const held: boolean[] = [];
  bench.onObtain = () => void held.push(bench.recent.has(top.digest));
  await bench.preheat(top).run(t);
  assert.deepEqual(bench.reserved, [3000 + "config a".length]);
  assert.deepEqual(held, [true, true, true, true]);
});

test("an image that is larger than the budget is refused before its layers are fetched", async (t) => {
  const bench = new Bench();
  const top = bench.putImage("a", [1000, 2000]);
  const preheat = bench.preheat(top, { budgetBytes: 3000 });
  await assert.rejects(preheat.run(t), (error) => {
    assert.ok(error instanceof StorageFullError);
    assert.match(error.message, /more than the cache's budget of 3000/);
    return true;
  });
  assert.deepEqual([...bench.here.keys()], [top.digest]);
});

test("what containerd owns takes no room in the cache", async (t) => {
  const bench = new Bench();
  const top = bench.putImage("a", [1000, 2000]);
  await bench.preheat(top).run(t);
  for (const digest of bench.here.keys()) bench.owned.add(digest);
  bench.excessBytes = 1;
  await bench.preheat(top, { budgetBytes: 0 }).run(t);
  assert.equal(bench.reserved.at(-1), 0);
});

test("an image is refused for which what is in use leaves no room", async (t) => {
  const bench = new Bench();
  bench.excessBytes = 1;
  const top = bench.putImage("a", [1000]);
  await assert.rejects(bench.preheat(top).run(t), /leaves no room/);
  assert.deepEqual([...bench.here.keys()], [top.digest]);
});

test("a blob that cannot be had fails the image after the others came", async (t) => {
  const bench = new Bench();
  const top = bench.putImage("a", [1000, 2000]);
  const first = digestOf(Buffer.alloc(1000, "a 0 "));
  bench.there.delete(first);
  await assert.rejects(bench.preheat(top).run(t), new RegExp(`Cannot get ${first}`));
  assert.equal(bench.here.has(digestOf(Buffer.alloc(2000, "a 1 "))), true);
});

test("an image that waits for a pull is paused, until all of it goes on", async (t) => {
  const bench = new Bench();
  const top = bench.putImage("a", [1000, 2000]);
  const states: string[] = [];
  const preheat = bench.preheat(top);
  bench.onObtain = ({ size }, { onPause }) => {
    onPause(true);
    states.push(preheat.progress.state);
    if (size === 1000) onPause(false);
    states.push(preheat.progress.state);
  };
  await preheat.run(t);
  assert.equal(states[0], "paused");
  assert.equal(preheat.progress.state, "fetching");
});

test("an image of another platform is refused by name", async (t) => {
  const bench = new Bench();
  const top = bench.putIndex([[bench.putImage("theirs", [10]), arm64]]);
  await assert.rejects(bench.preheat(top).run(t), /no such platform/);
  await bench.preheat(top, { platforms: "all" }).run(t);
});
