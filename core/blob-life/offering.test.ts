import assert from "node:assert/strict";
import { test } from "node:test";

import { BlobNotFoundError } from "../errors.ts";
import type { Metainfo } from "../metainfo.ts";
import type { BlobRecord } from "../ports/blob-store.ts";
import type { SeededBlob } from "../ports/swarm.ts";
import { type BlobFixture, blobFixture } from "../testing/blob-fixture.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { ScriptedSwarm } from "../testing/scripted-swarm.ts";
import { Offering, type OfferingDeps } from "./offering.ts";

function recordOf(
  { digest, metainfo }: BlobFixture,
  changes: Partial<BlobRecord> = {},
): BlobRecord {
  const base = { digest, size: metainfo.layout.size, createdAt: 0n, updatedAt: 0n, labels: {} };
  const { infoHash } = metainfo;
  return { ...base, infoHash, provenance: "pull", owned: true, whole: true, ...changes };
}

function setUp(blobs: readonly BlobFixture[], changes: Partial<OfferingDeps> = {}) {
  const swarm = new ScriptedSwarm();
  const logger = new MemoryLogger();
  const published: Metainfo[] = [];
  const offering = new Offering({
    store: {
      metainfo: async (digest) => {
        const found = blobs.find((blob) => blob.digest === digest);
        if (!found) throw new BlobNotFoundError(digest);
        return found.metainfo;
      },
      pathOf: (digest) => `/blobs/${digest}`,
      records: () => blobs.map((blob) => recordOf(blob)),
    },
    ...{ swarm, logger, enabled: true },
    directory: { publish: (metainfo) => void published.push(metainfo) },
    ...changes,
  });
  const seeded = () => [...swarm.seeded].map(({ digest }) => digest);
  return { swarm, logger, offering, published, seeded };
}

const [one, other] = [blobFixture(10, "one"), blobFixture(10, "other")];

test("Offering gives what was pulled, once, and tells the directory", async () => {
  const { offering, published, seeded } = setUp([one, other]);
  offering.addAll();
  offering.add(recordOf(one));
  assert.deepEqual(seeded(), [one.digest, other.digest]);
  await offering[Symbol.asyncDispose]();
  assert.deepEqual(published, [one.metainfo, other.metainfo]);
  assert.deepEqual(seeded(), []);
});

test("addAll() lets others have their turns, and ends with the offering", async () => {
  const blobs = Array.from({ length: 100 }, (_, index) => blobFixture(10, `${index}`));
  const { offering, seeded } = setUp(blobs);
  offering.addAll();
  offering.addAll();
  const counts = [seeded().length];
  while (seeded().length < blobs.length) {
    await new Promise((resolve) => setImmediate(resolve));
    counts.push(seeded().length);
  }
  assert.ok(counts.length >= 5, `in ${counts.length} turns`);
  await offering[Symbol.asyncDispose]();

  const stopped = setUp(blobs);
  stopped.offering.addAll();
  await stopped.offering[Symbol.asyncDispose]();
  stopped.offering.add(recordOf(one));
  assert.deepEqual(stopped.seeded(), []);
});

test("one blob that cannot be offered keeps no other from it", async () => {
  const { offering, seeded, logger } = setUp([one, other], {
    store: {
      metainfo: async () => one.metainfo,
      records: () => [recordOf(one), recordOf(other)],
      pathOf: (digest) => {
        if (digest === one.digest) throw new BlobNotFoundError(digest);
        return "/blob";
      },
    },
  });
  offering.addAll();
  assert.deepEqual(seeded(), [other.digest]);
  assert.equal(logger.lines.length, 1);
  await offering[Symbol.asyncDispose]();
});

test("Offering gives nothing that is local, not whole, without metainfo, or when it is off", () => {
  const { offering, seeded } = setUp([one]);
  offering.add(recordOf(one, { provenance: "local" }));
  offering.add(recordOf(one, { whole: false }));
  const { infoHash, ...without } = recordOf(one);
  assert.notEqual(infoHash, undefined);
  offering.add(without);
  assert.deepEqual(seeded(), []);
  const off = setUp([one], { enabled: false });
  off.offering.addAll();
  assert.deepEqual(off.seeded(), []);
});

test("a blob that was withdrawn can be offered again, and its farewell is waited for", async () => {
  const farewell = Promise.withResolvers<undefined>();
  const seeded: SeededBlob[] = [];
  const swarm = {
    seed: (blob: SeededBlob) => {
      seeded.push(blob);
      return { [Symbol.asyncDispose]: async () => farewell.promise };
    },
  };
  const { offering } = setUp([one], { swarm });
  offering.add(recordOf(one));
  offering.withdraw(one.digest);
  offering.withdraw(one.digest);
  offering.add(recordOf(one));
  assert.equal(seeded.length, 2);
  let isDisposed = false;
  const disposed = offering[Symbol.asyncDispose]().then(() => (isDisposed = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isDisposed, false);
  farewell.resolve(undefined);
  await disposed;
});

test("what goes wrong with one blob is logged and harms no other", async () => {
  const swarm = {
    seed: () => ({
      [Symbol.asyncDispose]: async () => {
        throw new Error("the tracker is gone");
      },
    }),
  };
  const { offering, logger, published } = setUp([one], { swarm });
  offering.add(recordOf(one));
  offering.add(recordOf(other));
  await offering[Symbol.asyncDispose]();
  assert.deepEqual(published, [one.metainfo]);
  assert.deepEqual(logger.lines.map(({ message }) => message).sort(), [
    "cannot publish a blob",
    "cannot withdraw a blob",
    "cannot withdraw a blob",
  ]);
});
