import assert from "node:assert/strict";
import { test } from "node:test";

import { PieceReaders } from "./piece-readers.ts";

/** Readers of a blob of 100 pieces, of which those before `end` are admitted. */
function readersOf({ end, here }: { readonly end: number; readonly here: readonly number[] }) {
  const isMissing = (index: number) => !here.includes(index);
  return new PieceReaders({ pieceCount: 100, end: () => end, isMissing });
}

test("the first reader is the oldest one whose piece is admitted", () => {
  const readers = readersOf({ end: 50, here: [20] });
  readers.add(1, 70);
  assert.equal(readers.first(), undefined);
  readers.add(2, 20);
  readers.add(3, 10);
  assert.equal(readers.first(), 21);
  readers.remove(2);
  assert.equal(readers.first(), 10);
});

test("readers stay in the order in which they came, also while their pieces come", () => {
  const here = [5, 6];
  const readers = readersOf({ end: 100, here });
  readers.add(1, 5);
  readers.add(2, 0);
  assert.deepEqual([...readers.positions()], [7, 0]);
  here.push(7);
  assert.deepEqual([...readers.positions()], [8, 0]);
});
