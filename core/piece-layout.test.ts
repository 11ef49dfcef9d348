import assert from "node:assert/strict";
import { test } from "node:test";

import { blobSizeMax, pieceLayoutOf, pieceLengthAt } from "./piece-layout.ts";

const mebibyte = 1024 * 1024;

test("pieceLayoutOf() keeps the table that is written down in ADR 0004", () => {
  const table: [size: number, pieceLength: number, pieceCount: number][] = [
    [1, mebibyte / 8, 1],
    [2 * mebibyte, mebibyte / 8, 16],
    [4 * mebibyte, mebibyte / 4, 16],
    [128 * mebibyte, mebibyte / 4, 512],
    [256 * mebibyte, mebibyte / 2, 512],
    [512 * mebibyte, mebibyte, 512],
    [1024 * mebibyte, mebibyte, 1024],
    [8192 * mebibyte, mebibyte, 8192],
    [8192 * mebibyte + 1, 2 * mebibyte, 4097],
  ];
  for (const [size, pieceLength, pieceCount] of table) {
    assert.deepEqual(pieceLayoutOf(size), { size, pieceLength, pieceCount });
  }
});

test("pieceLengthAt() gives the last piece what is left", () => {
  const layout = pieceLayoutOf(512 * mebibyte + 5);
  assert.equal(pieceLengthAt(layout, 0), mebibyte);
  assert.equal(pieceLengthAt(layout, layout.pieceCount - 1), 5);
});

test("pieceLayoutOf() refuses sizes that no torrent has", () => {
  for (const size of [0, -1, 1.5, Number.NaN, blobSizeMax + 1]) {
    assert.throws(() => pieceLayoutOf(size), RangeError);
  }
});
