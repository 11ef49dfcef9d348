import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { Standstill } from "./standstill.ts";

function arrivalOf(name: string, { promised = true } = {}) {
  return { digest: digestOf(Buffer.from(name)), promised, bytesDone: 7 };
}

test("promised blobs that have not moved since the look stand still", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const [moving, still] = [arrivalOf("moving"), arrivalOf("still")];
  const arrivals = [moving, still, arrivalOf("not promised", { promised: false })];
  const standstill = new Standstill(arrivals, { lookAfterMs: 1000 });
  assert.deepEqual(standstill.stillOnes(), []);
  still.bytesDone = 8;
  t.mock.timers.tick(1000);
  moving.bytesDone = 9;
  arrivals.push(arrivalOf("late"));
  assert.deepEqual(standstill.stillOnes(), [still.digest]);
});

test("nobody looks once it is disposed of", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const standstill = new Standstill([arrivalOf("still")], { lookAfterMs: 1000 });
  standstill[Symbol.dispose]();
  t.mock.timers.tick(1000);
  assert.deepEqual(standstill.stillOnes(), []);
});
