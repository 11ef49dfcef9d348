import assert from "node:assert/strict";
import { test } from "node:test";

import { GivenPieces } from "./given-pieces.ts";

test("GivenPieces remembers what was asked for lately, and tells what is new", () => {
  const given = new GivenPieces(20);
  assert.deepEqual([...given], []);
  assert.deepEqual(
    [given.add(3, 1000), given.add(17, 2000), given.add(3, 2500)],
    [true, true, false],
  );
  assert.deepEqual([given.has(3), given.has(4)], [true, false]);
  assert.deepEqual([...given], [3, 17]);
});

test("GivenPieces forgets after five seconds at the earliest and ten at the latest", () => {
  const given = new GivenPieces(20);
  given.add(0, 0);
  given.add(1, 4999);
  given.tick(5000);
  assert.deepEqual([...given], [0, 1]);
  assert.deepEqual([given.add(2, 9999), given.add(1, 9999)], [true, true], "others forget it soon");
  given.tick(10_000);
  assert.deepEqual([...given], [1, 2]);
  assert.equal(given.add(0, 10_000), true, "it is news again");
  given.tick(30_000);
  assert.deepEqual([...given], []);
});
