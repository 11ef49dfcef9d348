import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { TokenBucket, bucketCells } from "./token-bucket.ts";

const second = 1_000_000_000n;

function openBucket(rate: number): {
  readonly bucket: TokenBucket;
  readonly memory: SharedArrayBuffer;
} {
  const memory = new SharedArrayBuffer(bucketCells * BigInt64Array.BYTES_PER_ELEMENT);
  const bucket = new TokenBucket(new BigInt64Array(memory));
  bucket.rate = rate;
  return { bucket, memory };
}

test("bytes may move one after the other, at the rate, after what an idle bucket gives at once", () => {
  const { bucket } = openBucket(1000);
  const now = 100n * second;
  assert.equal(bucket.take(100, now), now - second / 10n);
  assert.equal(bucket.take(500, now), now);
  assert.equal(bucket.take(500, now), now + second / 2n);
  bucket.giveBack(500);
  assert.equal(bucket.take(1, now), now + second / 2n);
  assert.equal(bucket.taken, 601);
});

test("bytes may move at once where there is no limit, and are not counted", () => {
  const { bucket } = openBucket(0);
  assert.equal(bucket.take(1e9, 5n), 5n);
  bucket.giveBack(1e9);
  assert.equal(bucket.taken, 0);
});

test("no thread takes what another one took", async (t) => {
  const { bucket, memory } = openBucket(1_000_000);
  const now = 100n * second;
  const start = bucket.take(0, now);
  const takes = 100_000;
  const module = new URL("./token-bucket.ts", import.meta.url).href;
  const code = `
    import("${module}").then(({ TokenBucket }) => {
      const { memory, now } = require("node:worker_threads").workerData;
      const bucket = new TokenBucket(new BigInt64Array(memory));
      for (let take = 0; take < ${takes}; take++) bucket.take(1, now);
    });`;
  const workers = [1, 2].map(() => new Worker(code, { eval: true, workerData: { memory, now } }));
  await Promise.all(workers.map((worker) => once(worker, "exit", { signal: t.signal })));
  assert.equal(bucket.taken, 2 * takes);
  // A byte is a microsecond.
  assert.equal(bucket.take(0, now) - start, BigInt(2 * takes) * 1000n);
});
