import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { DigestMismatchError, UnavailableError } from "../core/errors.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { BlobCache } from "./blob-cache.ts";
import type { SecondHandOptions } from "./second-hand.ts";

const size = 1000;
const { bytes, digest } = blobFixture(size);
const wrong = Buffer.alloc(size, 7);

/** Gives bytes from an offset on, and is told whose they are. */
type Giving = (options: SecondHandOptions) => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** A seeder whose fetches are given what those say, in turn. */
async function open(t: TestContext, ...givings: Giving[]) {
  const logger = new MemoryLogger();
  const deps = { root: testFolder(t), clock: new ManualClock(), logger };
  const store = cleanUpOf(t).use(await DiskBlobStore.open(deps, t));
  const starts: string[] = [];
  const origin = {
    async *blob(_: unknown, options: SecondHandOptions) {
      starts.push(`${options.isFirstHand ? "first hand" : "any"} ${options.start}`);
      yield* givings.shift()?.(options) ?? [];
    },
  };
  const nothing = { [Symbol.dispose]: () => undefined };
  const room = { check: () => undefined, keep: () => nothing, hold: async () => undefined };
  const cache = cleanUpOf(t).use(
    new BlobCache({
      ...{ store, origin, room, logger },
      offering: { add: () => undefined },
      known: { touch: () => undefined },
      ...{ blobsMax: 10, pullBlobsMax: 10 },
    }),
  );
  const descriptor = { mediaType: "layer", digest, size };
  const blob = { registry: "r.example", repository: "pond/fish", descriptor };
  const obtain = async () => cache.obtain(blob, { onBytes: () => undefined, signal: t.signal });
  const begin = async () => cache.begin(blob, t);
  return { starts, obtain, begin };
}

const atFirstHand: Giving = ({ start }) => [bytes.subarray(start)];

const wrongAtSecondHand: Giving = ({ start, onSecondHand }) => {
  onSecondHand?.(size - start);
  return [wrong.subarray(start)];
};

/** The first half, and then no more. */
function* halfOf(given: Buffer): Generator<Uint8Array> {
  yield given.subarray(0, size / 2);
  throw new UnavailableError("it broke off");
}

test("no half is kept of what another seeder gave when the fetch fails", async (t) => {
  const half: Giving = ({ onSecondHand }) => {
    onSecondHand?.(size / 2);
    return halfOf(wrong);
  };
  const { starts, obtain } = await open(t, half, atFirstHand);
  await assert.rejects(obtain(), UnavailableError);
  assert.equal((await obtain()).whole, true);
  assert.deepEqual(starts, ["any 0", "any 0"]);
});

test("a half that turns out to be wrong costs one more fetch, and nobody an error", async (t) => {
  const { starts, obtain } = await open(t, () => halfOf(wrong), atFirstHand, atFirstHand);
  await assert.rejects(obtain(), UnavailableError);
  assert.equal((await obtain()).whole, true);
  assert.deepEqual(starts, ["any 0", "any 500", "first hand 0"]);
});

test("what the origin gives wrong from the start is refused", async (t) => {
  const wrongAtFirstHand: Giving = ({ start }) => [wrong.subarray(start)];
  const { starts, obtain } = await open(t, wrongAtSecondHand, wrongAtFirstHand);
  await assert.rejects(obtain(), DigestMismatchError);
  assert.deepEqual(starts, ["any 0", "first hand 0"]);
});

test("what another seeder gave wrong is remembered, though nobody joins the fetch again", async (t) => {
  const gate = Promise.withResolvers<undefined>();
  async function* slowly(options: SecondHandOptions) {
    options.onSecondHand?.(size);
    yield wrong.subarray(0, size / 2);
    await gate.promise;
    yield wrong.subarray(size / 2);
  }
  const { starts, obtain, begin } = await open(t, slowly, atFirstHand);
  const held = await begin();
  assert.ok("arrival" in held);
  gate.resolve(undefined);
  await held.arrival.ended(t);
  held[Symbol.dispose]();
  assert.equal((await obtain()).whole, true);
  assert.deepEqual(starts, ["any 0", "first hand 0"]);
});
