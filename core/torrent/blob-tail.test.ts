import assert from "node:assert/strict";
import { test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { BlobTail } from "./blob-tail.ts";

const bytes = Buffer.from(Array.from({ length: 9_000_000 }, (_, index) => index % 251));

/** Streams of `bytes`, in chunks of odd lengths. */
function openStreams() {
  const starts: number[] = [];
  let open = 0;
  const tail = new BlobTail(async function* ({ start }) {
    starts.push(start);
    open++;
    try {
      for (let offset = start; offset < bytes.length; offset += 70_001) {
        yield bytes.subarray(offset, offset + 70_001);
      }
    } finally {
      open--;
    }
  });
  return { tail, starts, open: () => open };
}

test("parts that follow each other, or nearly, come from one stream", async () => {
  const { tail, starts, open } = openStreams();
  for (const [start, end] of [
    [10, 100_000],
    [100_000, 100_001],
    [3_000_000, 3_000_500],
    [3_000_500, 3_000_500],
  ] as const) {
    assert.deepEqual(await tail.read({ start, end }), bytes.subarray(start, end));
  }
  assert.deepEqual(starts, [10]);
  await tail[Symbol.asyncDispose]();
  assert.equal(open(), 0);
});

test("for a part that lies before or far ahead, another stream is opened", async () => {
  const { tail, starts, open } = openStreams();
  for (const start of [1_000_000, 500_000, 8_000_000]) {
    const end = start + 10;
    assert.deepEqual(await tail.read({ start, end }), bytes.subarray(start, end));
    assert.equal(open(), 1);
  }
  assert.deepEqual(starts, [1_000_000, 500_000, 8_000_000]);
  await tail[Symbol.asyncDispose]();
});

test("parts that are asked for at once come one after the other", async () => {
  const { tail, starts } = openStreams();
  const parts = await Promise.all([
    tail.read({ start: 0, end: 200_000 }),
    tail.read({ start: 200_000, end: 300_000 }),
  ]);
  assert.deepEqual(Buffer.concat(parts), bytes.subarray(0, 300_000));
  assert.deepEqual(starts, [0]);
  await tail[Symbol.asyncDispose]();
});

test("a stream that ends too early is told, and the next part has a new one", async () => {
  const { tail, starts } = openStreams();
  const beyond = { start: bytes.length - 10, end: bytes.length + 1 };
  await assert.rejects(tail.read(beyond), UnavailableError);
  assert.deepEqual(await tail.read({ start: 0, end: 5 }), bytes.subarray(0, 5));
  assert.deepEqual(starts, [bytes.length - 10, 0]);
  await tail[Symbol.asyncDispose]();
});

test("a stream that nobody reads from is closed after a while", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { tail, starts, open } = openStreams();
  await tail.read({ start: 0, end: 5 });
  t.mock.timers.tick(6000);
  await tail.read({ start: 5, end: 10 });
  assert.deepEqual(starts, [0, 5]);
  assert.equal(open(), 1);
  await tail[Symbol.asyncDispose]();
});

test("nothing is read after the end", async () => {
  const { tail } = openStreams();
  await tail[Symbol.asyncDispose]();
  await assert.rejects(tail.read({ start: 0, end: 1 }), { name: "AbortError" });
});
