import assert from "node:assert/strict";
import { test } from "node:test";

import { DueActions } from "./due-actions.ts";

test("actions come out as they went in, with their times, however many there are", () => {
  const actions = new DueActions();
  const done: number[] = [];
  const dueMs: number[] = [];
  // Some leave before others come: what is kept goes around in its room.
  for (let index = 0; index < 1000; index++) {
    actions.push(index * 2, { happen: () => done.push(index) });
    if (index % 3 > 0) continue;
    dueMs.push(actions.nextMs);
    actions.shift()?.happen(0);
  }
  while (actions.length > 0) {
    dueMs.push(actions.nextMs);
    actions.shift()?.happen(0);
  }
  const indexes = Array.from({ length: 1000 }, (_, index) => index);
  assert.deepEqual(done, indexes);
  assert.deepEqual(
    dueMs,
    indexes.map((index) => index * 2),
  );
  assert.equal(actions.nextMs, Infinity);
  assert.equal(actions.shift(), undefined);
});
