import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { Standstill } from "./standstill.ts";

function arrivalOf(name: string, { promised = true } = {}) {
  return { digest: digestOf(Buffer.from(name)), promised, bytesDone: 7 };
}

/** A clock that stands until the test moves it. */
function standingClock(t: TestContext): { nowMs: number } {
  const clock = { nowMs: 0 };
  t.mock.method(performance, "now", () => clock.nowMs);
  return clock;
}

test("promised blobs that have not moved for the whole time stand still", (t) => {
  const clock = standingClock(t);
  const [moving, still] = [arrivalOf("moving"), arrivalOf("still")];
  const arrivals = [moving, still, arrivalOf("not promised", { promised: false })];
  const standstill = new Standstill(arrivals, { forMs: 1000 });
  clock.nowMs = 400;
  moving.bytesDone = 8;
  arrivals.push(arrivalOf("late"));
  clock.nowMs = 999;
  assert.deepEqual(standstill.stillOnes(), []);
  clock.nowMs = 1000;
  assert.deepEqual(standstill.stillOnes(), [still]);
});

test("what stood still before the last look does not count", (t) => {
  const clock = standingClock(t);
  const standstill = new Standstill([arrivalOf("still")], { forMs: 1000 });
  clock.nowMs = 900;
  standstill.restart();
  clock.nowMs = 1100;
  assert.deepEqual(standstill.stillOnes(), []);
});
