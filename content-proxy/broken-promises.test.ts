import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../core/digest.ts";
import { BrokenPromises } from "./broken-promises.ts";
import { Standstill } from "./standstill.ts";

function arrivalOf(name: string, { hasSource = false } = {}) {
  const digest = digestOf(Buffer.from(name));
  const progress = { bytesDone: 7, bytesGiven: 7 };
  return { digest, promised: true, ...progress, hasSource: async () => hasSource };
}

/** Blobs that arrive, of which a read of the first one fails while all others still move, or none. */
async function breakFirst(
  t: TestContext,
  arrivals: ReturnType<typeof arrivalOf>[],
  { isMoving = true } = {},
) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: Digest[] = [];
  const broken = new BrokenPromises({ arrivals, onBroken: (digest) => void told.push(digest) });
  const standstill = new Standstill(arrivals, { forMs: 60_000 });
  t.mock.timers.tick(60_000);
  const [first, ...others] = arrivals;
  assert.ok(first);
  if (isMoving) for (const other of others) other.bytesDone++;
  await broken.tell(first.digest, standstill);
  assert.deepEqual(told, [first.digest]);
  arrivals.shift();
  told.length = 0;
  return { told, broken };
}

/** Lets time pass, and what is asked then be answered. */
async function pass(t: TestContext, durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 1000) t.mock.timers.tick(1000);
  await new Promise(setImmediate);
}

test("what moved until a moment before a promise broke, and not since, is told of soon after", async (t) => {
  const [lost, moving] = [arrivalOf("lost"), arrivalOf("moving")];
  const { told } = await breakFirst(t, [arrivalOf("read"), lost, moving]);
  await pass(t, 4000);
  moving.bytesDone++;
  assert.deepEqual(told, []);
  await pass(t, 4000);
  assert.deepEqual(told, [lost.digest]);
});

test("what somebody has is not told of, though nothing moves", async (t) => {
  const slow = arrivalOf("slow", { hasSource: true });
  const { told } = await breakFirst(t, [arrivalOf("read"), slow]);
  await pass(t, 8000);
  assert.deepEqual(told, []);
});

test("when nothing moves, what was not read is told of soon after, whoever seems to have it", async (t) => {
  const [lost, hanging] = [arrivalOf("lost"), arrivalOf("hanging", { hasSource: true })];
  const arrivals = [arrivalOf("read"), lost, hanging];
  const { told } = await breakFirst(t, arrivals, { isMoving: false });
  await pass(t, 7000);
  assert.deepEqual(told, []);
  await pass(t, 1000);
  assert.deepEqual(told.toSorted(), [lost.digest, hanging.digest].toSorted());
});

test("what stood still with all else is kept when the network is back", async (t) => {
  const [moving, waiting] = [arrivalOf("moving"), arrivalOf("waiting", { hasSource: true })];
  const arrivals = [arrivalOf("read"), moving, waiting];
  const { told } = await breakFirst(t, arrivals, { isMoving: false });
  await pass(t, 4000);
  moving.bytesGiven++;
  await pass(t, 4000);
  assert.deepEqual(told, []);
});

test("a process that stood still itself looks again before it tells", async (t) => {
  let nowMs = performance.now();
  t.mock.method(performance, "now", () => nowMs);
  const lost = arrivalOf("lost");
  const { told } = await breakFirst(t, [arrivalOf("read"), lost]);
  nowMs += 20_000;
  await pass(t, 8000);
  assert.deepEqual(told, []);
  nowMs += 8000;
  await pass(t, 8000);
  assert.deepEqual(told, [lost.digest]);
});

test("what stood still with all else, and with us, is looked at again", async (t) => {
  let nowMs = performance.now();
  t.mock.method(performance, "now", () => nowMs);
  const hanging = arrivalOf("hanging", { hasSource: true });
  const { told } = await breakFirst(t, [arrivalOf("read"), hanging], { isMoving: false });
  nowMs += 20_000;
  await pass(t, 8000);
  assert.deepEqual(told, []);
  nowMs += 8000;
  await pass(t, 8000);
  assert.deepEqual(told, [hanging.digest]);
});

test("nothing is told any more once it is disposed of", async (t) => {
  const { told, broken } = await breakFirst(t, [arrivalOf("read"), arrivalOf("lost")]);
  broken[Symbol.dispose]();
  await pass(t, 10_000);
  assert.deepEqual(told, []);
});
