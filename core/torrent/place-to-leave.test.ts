import assert from "node:assert/strict";
import { test } from "node:test";

import { placeToLeave } from "./place-to-leave.ts";

/** Places with a name each, that of the host first, and how long they have been idle. */
function leaves(places: Readonly<Record<string, number>>, host: string): string | undefined {
  const holders = Object.entries(places).map(
    ([name, idleMs]) => [{ name, idleMs: () => idleMs }, name.slice(0, 1)] as const,
  );
  return placeToLeave(holders, { host, nowMs: 0 })?.name;
}

test("placeToLeave() takes the place that was idle for longest, whoever holds most", () => {
  assert.equal(leaves({ a1: 0, a2: 10_000, b1: 10_001, c1: 0 }, "c"), "b1");
});

test("placeToLeave() takes none of nodes that have use for theirs, and have one of a host each", () => {
  assert.equal(leaves({ a1: 9999, b1: 0, c1: 9999 }, "d"), undefined);
  assert.equal(leaves({}, "a"), undefined);
});

test("placeToLeave() takes of the host that has most the one that was used the longest time ago", () => {
  assert.equal(leaves({ a1: 9, a2: 0, b1: 9, b2: 50, b3: 50, b4: 0 }, "c"), "b3");
});

test("placeToLeave() takes no place of a host for one that has as many, or one less", () => {
  assert.equal(leaves({ a1: 0, a2: 0, b1: 0 }, "b"), undefined);
  assert.equal(leaves({ a1: 0, a2: 0, b1: 0 }, "a"), undefined);
  assert.equal(leaves({ a1: 0, a2: 0, a3: 0, b1: 0 }, "b"), "a3");
});
