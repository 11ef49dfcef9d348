import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import type { GrowingBlob } from "../core/ports/swarm.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { BlobArrival } from "./blob-arrival.ts";
import { GrowingSeeds } from "./growing-seeds.ts";

const { bytes, digest, metainfo } = blobFixture(1_000_000);
const size = bytes.length;

/** A swarm that notes what is given to it. */
async function open(t: TestContext) {
  const root = testFolder(t);
  const logger = new MemoryLogger();
  const store = cleanUpOf(t).use(
    await DiskBlobStore.open({ root, clock: new ManualClock(), logger }, t),
  );
  const given: { blob: GrowingBlob; hashes: Buffer; left: boolean }[] = [];
  let farewell: Promise<void> = Promise.resolve();
  const swarm = {
    seedGrowing: (blob: GrowingBlob) => {
      const seed = { blob, hashes: Buffer.alloc(0), left: false };
      given.push(seed);
      return {
        grow: (hashes: Uint8Array) => (seed.hashes = Buffer.concat([seed.hashes, hashes])),
        [Symbol.asyncDispose]: async () => {
          await farewell;
          seed.left = true;
        },
      };
    },
  };
  const seeds = cleanUpOf(t).use(new GrowingSeeds({ store, swarm, logger }));
  const arrive = async () => {
    const ingest = await store.openIngest(digest, { total: size });
    const descriptor = { mediaType: "layer", digest, size };
    const arrival = new BlobArrival({ descriptor, registry: "r.example" }, () => undefined);
    const give = async (end: number) => {
      const onTaken = () => arrival.grow(ingest);
      await ingest.write(bytes.subarray(ingest.status.offset, end), { onTaken });
      await arrival.begin(ingest);
    };
    return { arrival, ingest, give };
  };
  const holdFarewells = () => {
    const held = Promise.withResolvers<undefined>();
    farewell = held.promise.then(() => undefined);
    return () => held.resolve(undefined);
  };
  return { store, given, seeds, logger, arrive, holdFarewells };
}

test("pieces are given as they come, and for a while after the last one", async (t) => {
  const { store, given, seeds, arrive } = await open(t);
  const { arrival, ingest, give } = await arrive();
  const { pieceLength } = metainfo.layout;
  await give(2 * pieceLength);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  seeds.add(arrival);
  seeds.add(arrival);
  while (given[0]?.hashes.length !== 40) await turn();
  assert.equal(given.length, 1);
  assert.deepEqual(given[0].blob, {
    ...{ digest, size, path: ingest.path, movedTo: store.placeOf(digest) },
  });
  await give(size);
  arrival.end();
  while (given[0].hashes.length !== metainfo.pieceHashes.byteLength) await turn();
  assert.deepEqual(given[0].hashes, Buffer.from(metainfo.pieceHashes));
  assert.equal(given[0].left, false);
  const left = async () => {
    while (given[0]?.left !== true) {
      t.mock.timers.tick(30_000);
      await turn();
    }
  };
  await left();
});

test("a blob that became whole at once is given to who was told that it arrives", async (t) => {
  const { given, seeds, arrive } = await open(t);
  const { arrival, give } = await arrive();
  await give(size);
  arrival.end();
  seeds.add(arrival);
  while (given[0]?.hashes.length !== metainfo.pieceHashes.byteLength) await turn();
  assert.deepEqual(given[0].hashes, Buffer.from(metainfo.pieceHashes));
});

test("when the fetch fails its swarm is left, before that of the next fetch is joined", async (t) => {
  const { given, seeds, logger, arrive, holdFarewells } = await open(t);
  const first = await arrive();
  await first.give(300_000);
  seeds.add(first.arrival);
  while (given.length === 0) await turn();
  const release = holdFarewells();
  first.arrival.fail(new Error("the registry is gone"));
  await first.ingest.close();
  const second = await arrive();
  await second.give(400_000);
  seeds.add(second.arrival);
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.equal(given.length, 1);
  release();
  const count = () => given.length;
  while (count() < 2) await turn();
  assert.equal(given[0]?.left, true);
  await seeds[Symbol.asyncDispose]();
  assert.equal(given[1]?.left, true);
  seeds.add(second.arrival);
  assert.equal(given.length, 2);
  assert.deepEqual(logger.lines, []);
});
