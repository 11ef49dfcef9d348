import assert from "node:assert/strict";
import { test } from "node:test";

import { MetainfoError } from "../errors.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { PieceHashes } from "./piece-hashes.ts";

const blob = blobFixture(300_000);
const { digest, layout, pieceHashes } = blob.metainfo;
const growing = () => new PieceHashes({ digest, layout, pieceHashes: undefined });

test("PieceHashes knows the pieces of a whole torrent from the start", () => {
  const hashes = new PieceHashes(blob.metainfo);
  const last = blob.bytes.subarray(2 * layout.pieceLength);
  assert.ok(hashes.isComplete);
  assert.ok(hashes.fits(2, last));
  assert.equal(hashes.fits(1, last), false);
});

test("PieceHashes of a growing torrent believes in no piece whose hash it has not", () => {
  const hashes = growing();
  const first = blob.bytes.subarray(0, layout.pieceLength);
  assert.equal(hashes.fits(0, first), false);
  hashes.add(pieceHashes.subarray(0, 20));
  assert.ok(hashes.fits(0, first));
  assert.equal(hashes.known, 1);
  assert.equal(hashes.isComplete, false);
});

test("PieceHashes collects all hashes of a torrent that grew", () => {
  const hashes = growing();
  hashes.add(pieceHashes.subarray(0, 40));
  hashes.add(pieceHashes.subarray(40));
  assert.ok(hashes.isComplete);
  assert.deepEqual(Buffer.from(hashes.bytes), Buffer.from(pieceHashes));
});

for (const length of [1, 19, 21, 80]) {
  test(`PieceHashes refuses ${length} bytes as hashes of 3 pieces`, () => {
    assert.throws(() => growing().add(new Uint8Array(length)), MetainfoError);
  });
}
