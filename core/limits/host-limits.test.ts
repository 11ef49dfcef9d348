import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../testing/seeded-random.ts";
import { HostLimits, type HostRates } from "./host-limits.ts";
import { ManualTime } from "./manual-time.test-support.ts";
import type { Passage } from "./passage.ts";

const mebibyte = 1024 * 1024;
const none: HostRates = { upload: 0, download: 0, origin: 0, preheat: 0 };

/** Milliseconds over which limits hold. */
const windowMs = 5000;

const never = () => assert.ok(false, "this is not called");

interface Passing {
  readonly atMs: number;
  readonly bytes: number;
}

function openLimits(rates: Partial<HostRates>, time = new ManualTime()) {
  const limits = new HostLimits({ time });
  limits.set({ ...none, ...rates });
  return { time, limits };
}

/** Has a connection give one chunk after the other, as fast as it may, until it is cancelled. */
function flood(
  passage: Passage,
  { chunk = () => 64 * 1024, onPassed }: { chunk?: () => number; onPassed: (n: number) => void },
): void {
  for (;;) {
    const bytes = chunk();
    const passed = () => {
      onPassed(bytes);
      flood(passage, { chunk, onPassed });
    };
    if (!passage.pass(bytes, passed)) return;
    onPassed(bytes);
  }
}

/** The most and the least bytes of any window, as parts of what a rate allows. */
function extremesOf(passings: readonly Passing[], rate: number, endMs: number) {
  const allowed = (rate * windowMs) / 1000;
  const sums = new Float64Array(endMs + windowMs + 1);
  for (const { atMs, bytes } of passings) sums[Math.floor(atMs) + 1] = bytes + at(sums, atMs + 1);
  for (let ms = 1; ms < sums.length; ms++) sums[ms] = at(sums, ms) + at(sums, ms - 1);
  let most = 0;
  let least = Infinity;
  for (let startMs = 0; startMs <= endMs; startMs++) {
    const part = (at(sums, startMs + windowMs) - at(sums, startMs)) / allowed;
    most = Math.max(most, part);
    if (startMs + windowMs <= endMs) least = Math.min(least, part);
  }
  return { most, least };
}

function at(sums: Float64Array, ms: number): number {
  return sums[Math.floor(ms)] ?? 0;
}

for (const [index, mebibytes] of [1, 3, 10, 100, 1000].entries()) {
  test(`${mebibytes} MiB/s hold within 5 % over any 5 s, for two threads and late timers`, () => {
    const random = seededRandom(index);
    const rate = mebibytes * mebibyte;
    const { time, limits } = openLimits({ upload: rate }, new ManualTime(() => random() * 12));
    const other = new HostLimits({ memory: limits.memory, time });
    const passings: Passing[] = [];
    const onPassed = (bytes: number) => void passings.push({ atMs: time.nowMs, bytes });
    const chunk = () => 1 + Math.floor(random() * 64 * 1024);
    for (const thread of [limits, other]) {
      for (const flow of ["a", "b", "c"]) {
        flood(thread.passage(["upload"], { flow }), { chunk, onPassed });
      }
    }
    const endMs = mebibytes > 100 ? 6000 : 12_000;
    time.advance(endMs);
    const { most, least } = extremesOf(passings, rate, endMs);
    assert.ok(most <= 1.05, `${most}`);
    assert.ok(least >= 0.95, `${least}`);
    const total = passings.reduce((sum, { bytes }) => sum + bytes, 0);
    const { taken } = limits.state.upload;
    assert.ok(Math.abs(taken - total) < rate * 0.1 + mebibyte, "the account is of what passed");
  });
}

// The first one has what an idle bucket gives at once, a tenth of a second's bytes.
test("two blobs get the same, however many connections each has", () => {
  const { time, limits } = openLimits({ download: 10 * mebibyte });
  const got = { many: 0, one: 0 };
  const start = (flow: keyof typeof got) =>
    flood(limits.passage(["download"], { flow }), { onPassed: (bytes) => (got[flow] += bytes) });
  for (let index = 0; index < 9; index++) start("many");
  start("one");
  time.advance(2000);
  assert.ok(Math.abs(got.many - got.one) < 1.5 * mebibyte, JSON.stringify(got));
});

test("a blob that comes later has no claim to what it did not ask for", () => {
  const { time, limits } = openLimits({ download: 10 * mebibyte });
  const got = { early: 0, late: 0 };
  const start = (flow: keyof typeof got) =>
    flood(limits.passage(["download"], { flow }), { onPassed: (bytes) => (got[flow] += bytes) });
  start("early");
  time.advance(3000);
  const before = got.early;
  start("late");
  time.advance(1000);
  assert.ok(Math.abs(got.early - before - got.late) < mebibyte, JSON.stringify(got));
});

test("threads get the same", () => {
  const { time, limits } = openLimits({ upload: 10 * mebibyte });
  const other = new HostLimits({ memory: limits.memory, time });
  const got = [0, 0];
  for (const [index, thread] of [limits, other].entries()) {
    flood(thread.passage(["upload"], { flow: "x" }), {
      onPassed: (bytes) => (got[index] = (got[index] ?? 0) + bytes),
    });
  }
  time.advance(3000);
  assert.ok(Math.abs((got[0] ?? 0) - (got[1] ?? 0)) < 1.5 * mebibyte, JSON.stringify(got));
});

test("what somebody waits for comes before what nobody waits for", () => {
  const { time, limits } = openLimits({ download: 10 * mebibyte });
  const got = { ahead: 0, pulled: 0 };
  flood(limits.passage(["download"], { flow: "ahead", isAhead: () => true }), {
    onPassed: (bytes) => (got.ahead += bytes),
  });
  time.advance(1000);
  assert.ok(got.ahead > 9 * mebibyte, "alone it has all");
  const before = got.ahead;
  const pulled = limits.passage(["download"], { flow: "pulled" });
  flood(pulled, { onPassed: (bytes) => (got.pulled += bytes) });
  time.advance(1000);
  assert.ok(got.pulled > 9 * mebibyte, JSON.stringify(got));
  assert.ok(got.ahead - before <= 512 * 1024, "it stands back at once");
  time.advance(20_000);
  const meanwhile = got.ahead - before;
  assert.ok(
    meanwhile > 2 * mebibyte && meanwhile < 5 * mebibyte,
    `${meanwhile}: it goes on slowly`,
  );
  pulled.cancel();
  time.advance(1000);
  assert.ok(got.ahead - before - meanwhile > 9 * mebibyte, "and has all again afterwards");
});

test("what nobody waits for has a limit of its own until somebody does", () => {
  const { time, limits } = openLimits({ download: 10 * mebibyte, preheat: 2 * mebibyte });
  let got = 0;
  let isAhead = true;
  flood(limits.passage(["download"], { flow: "x", isAhead: () => isAhead }), {
    onPassed: (bytes) => (got += bytes),
  });
  time.advance(5000);
  assert.ok(Math.abs(got - 10 * mebibyte) < 0.5 * mebibyte, `${got}`);
  isAhead = false;
  const before = got;
  time.advance(1000);
  assert.ok(got - before > 9 * mebibyte, `${got - before}`);
});

test("bytes for which several limits hold pass the tightest, and leave the rest to others", () => {
  const { time, limits } = openLimits({ download: 10 * mebibyte, origin: 2 * mebibyte });
  const got = { origin: 0, peers: 0 };
  flood(limits.passage(["origin", "download"], { flow: "x" }), {
    onPassed: (bytes) => (got.origin += bytes),
  });
  flood(limits.passage(["download"], { flow: "y" }), { onPassed: (bytes) => (got.peers += bytes) });
  time.advance(5000);
  assert.ok(Math.abs(got.origin - 10 * mebibyte) < 0.5 * mebibyte, JSON.stringify(got));
  assert.ok(Math.abs(got.peers - 40 * mebibyte) < 2 * mebibyte, JSON.stringify(got));
  assert.equal(limits.state.upload.taken, 0);
});

test("a limit can be changed, set and lifted while bytes wait", () => {
  const { time, limits } = openLimits({ upload: mebibyte });
  let got = 0;
  let isOver = false;
  const passage = limits.passage(["upload"], { flow: "x" });
  const onPassed = (bytes: number) => {
    got += bytes;
    if (got > 100 * mebibyte) isOver = true;
  };
  flood(passage, { chunk: () => (isOver ? Infinity : 64 * 1024), onPassed });
  const inASecond = () => {
    const before = got;
    time.advance(1000);
    return (got - before) / mebibyte;
  };
  time.advance(1000);
  assert.ok(Math.abs(inASecond() - 1) < 0.2);
  limits.set({ ...none, upload: 10 * mebibyte });
  assert.ok(Math.abs(inASecond() - 10) < 1.5);
  limits.set({ ...none, upload: 2 * mebibyte });
  inASecond();
  assert.ok(Math.abs(inASecond() - 2) < 0.3);
});

test("who waits when its limit is lifted is let through", () => {
  const { time, limits } = openLimits({ upload: mebibyte });
  let isThrough = false;
  const passage = limits.passage(["upload"], { flow: "x" });
  assert.equal(
    passage.pass(50 * mebibyte, () => (isThrough = true)),
    false,
  );
  limits.set(none);
  time.advance(200);
  assert.equal(isThrough, true);
  assert.equal(passage.isWaiting, false);
  assert.equal(passage.pass(50 * mebibyte, never), true, "nobody waits where nothing is limited");
});

test("who is cancelled takes nothing from others, and leaves no timer", async () => {
  const { time, limits } = openLimits({ upload: mebibyte });
  const abort = new AbortController();
  const passages = Array.from({ length: 20 }, (_, index) =>
    limits.passage(["upload"], { flow: `${index}` }),
  );
  const waiting = passages.map((passage) => passage.passed(mebibyte, abort));
  abort.abort(new Error("enough"));
  for (const passed of waiting) await assert.rejects(passed, /enough/);
  assert.equal(time.timers, 0);
  const takenBefore = limits.state.upload.taken;
  assert.ok(takenBefore < 0.2 * mebibyte, `${takenBefore}`);
  let isThrough = false;
  limits.passage(["upload"], { flow: "x" }).pass(mebibyte, () => (isThrough = true));
  time.advance(1100);
  assert.equal(isThrough, true);
  assert.equal(time.timers, 0);
});

test("bytes that are here when nobody wants them any more are paid for by those who come", () => {
  const { time, limits } = openLimits({ download: mebibyte, origin: 4 * mebibyte });
  const gone = limits.passage(["origin", "download"], { flow: "x" });
  assert.equal(gone.pass(2 * mebibyte, never), false);
  gone.settle();
  gone.settle();
  for (const name of ["origin", "download"] as const) {
    assert.equal(limits.state[name].taken, 2 * mebibyte);
  }
  let isThrough = false;
  limits.passage(["download"], { flow: "y" }).pass(1, () => (isThrough = true));
  time.advance(1800);
  assert.equal(isThrough, false);
  time.advance(300);
  assert.equal(isThrough, true);
});

test("a wait whose signal is aborted already is none", async () => {
  const { limits } = openLimits({ upload: mebibyte });
  const signal = AbortSignal.abort(new Error("too late"));
  const passage = limits.passage(["upload"], { flow: "x" });
  await assert.rejects(passage.passed(1, { signal }), /too late/);
  assert.equal(limits.state.upload.taken, 0);
});
