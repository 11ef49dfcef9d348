import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { ManualClock } from "../testing/manual-clock.ts";
import { DueTimer } from "./due-timer.ts";

function timerOf(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const clock = new ManualClock();
  const startedMs = clock.monotonicMs();
  const looks: number[] = [];
  const look = () => void looks.push(clock.monotonicMs() - startedMs);
  const timer = new DueTimer({ clock, pauseMs: 200, look });
  const wakeAt = (passedMs: number) => timer.wakeAt(startedMs + passedMs);
  const advance = (durationMs: number) => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 100) {
      clock.advance(100);
      t.mock.timers.tick(100);
    }
  };
  return { timer, looks, wakeAt, advance };
}

test("DueTimer goes off once, at the soonest moment that it was told", (t) => {
  const { looks, wakeAt, advance } = timerOf(t);
  for (const passedMs of [5000, 1000, 3000, Number.POSITIVE_INFINITY]) wakeAt(passedMs);
  advance(6000);
  assert.deepEqual(looks, [1000]);
  wakeAt(7000);
  advance(6000);
  assert.deepEqual(looks, [1000, 7000]);
});

test("DueTimer waits a moment for what is due soon after", (t) => {
  const { looks, wakeAt, advance } = timerOf(t);
  wakeAt(-5000);
  advance(1000);
  assert.deepEqual(looks, [200]);
});

test("DueTimer that is disposed of never goes off", (t) => {
  const { timer, looks, wakeAt, advance } = timerOf(t);
  wakeAt(1000);
  timer[Symbol.dispose]();
  wakeAt(500);
  advance(6000);
  assert.deepEqual(looks, []);
});
