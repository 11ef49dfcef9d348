import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { Standstill } from "./standstill.ts";

function arrivalOf(name: string, { promised = true } = {}) {
  return { digest: digestOf(Buffer.from(name)), promised, bytesDone: 7, bytesGiven: 0 };
}

test("promised blobs that have not moved since the look stand still", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [moving, still] = [arrivalOf("moving"), arrivalOf("still")];
  const arrivals = [moving, still, arrivalOf("not promised", { promised: false })];
  const standstill = new Standstill(arrivals, { forMs: 1000 });
  assert.deepEqual(standstill.stillOnes(), []);
  still.bytesDone = 8;
  t.mock.timers.tick(250);
  assert.equal(standstill.isAnyMoving, false);
  moving.bytesDone = 9;
  assert.equal(standstill.isAnyMoving, true);
  arrivals.push(arrivalOf("late"));
  assert.deepEqual(standstill.stillOnes(), [still]);
});

test("what stood still before the last restart does not count", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const standstill = new Standstill([arrivalOf("still")], { forMs: 1000 });
  t.mock.timers.tick(250);
  standstill.restart();
  t.mock.timers.tick(249);
  assert.deepEqual(standstill.stillOnes(), []);
});

test("nobody looks once it is disposed of", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const standstill = new Standstill([arrivalOf("still")], { forMs: 1000 });
  standstill[Symbol.dispose]();
  t.mock.timers.tick(1000);
  assert.deepEqual(standstill.stillOnes(), []);
});
