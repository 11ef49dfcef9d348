import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { abortable, createDeadline } from "./deadline.ts";

test("createDeadline() times out, and leaves no listener on its parent", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const parent = new AbortController();
  const deadline = createDeadline(parent.signal, 50);
  t.mock.timers.tick(49);
  assert.equal(deadline.signal.aborted, false);
  t.mock.timers.tick(1);
  assert.equal((deadline.signal.reason as Error).name, "TimeoutError");
  deadline[Symbol.dispose]();
  assert.equal(getEventListeners(parent.signal, "abort").length, 0);
});

test("createDeadline() gives back the time in which the process did not run, once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  for (const [stalledMs, givenBackMs] of [
    [120, 120],
    [5000, 200],
  ] as const) {
    const { signal } = createDeadline(new AbortController().signal, 200);
    nowMs += 200 + stalledMs;
    t.mock.timers.tick(200);
    // The timer was due; what came meanwhile is read before it counts.
    t.mock.timers.tick(givenBackMs - 1);
    assert.equal(signal.aborted, false);
    nowMs += 5000;
    t.mock.timers.tick(1);
    assert.equal((signal.reason as Error).name, "TimeoutError");
  }
});

test("createDeadline() follows its parent, also one that is aborted already", () => {
  const parent = new AbortController();
  const before = createDeadline(parent.signal);
  parent.abort(new Error("stop"));
  assert.match(String(before.signal.reason), /stop/);
  assert.match(String(createDeadline(parent.signal).signal.reason), /stop/);
});

test("abortable() rejects with the reason and takes its listener away", async () => {
  const controller = new AbortController();
  const never = abortable(new Promise(() => undefined), controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(never, /enough/);
  const fresh = new AbortController();
  assert.equal(await abortable(Promise.resolve(7), fresh.signal), 7);
  assert.equal(getEventListeners(fresh.signal, "abort").length, 0);
});
