import assert from "node:assert/strict";
import { lstatSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import { blobFixtureOf } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { testFolder } from "../testing/test-folder.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import { DigestThread } from "./digest-thread.ts";
import { PieceHashes } from "./piece-hashes.ts";

const { metainfo, bytes } = blobFixtureOf(Buffer.alloc(300_000));

for (const [what, isOnDisk, place] of [
  ["that the disk takes stays", true, (path: string) => writeFileSync(path, "")],
  // Takes and gives zeros as if it had them, and cannot be synced.
  [
    "that cannot be synced is gone for the next try",
    false,
    (path: string) => symlinkSync("/dev/zero", path),
  ],
] as const) {
  test(`a blob ${what}`, async (t) => {
    const path = join(testFolder(t, "arriving"), "blob");
    place(path);
    const digests = cleanUpOf(t).use(new DigestThread());
    const blob = new ArrivingBlob(metainfo, new PieceHashes(metainfo));
    await blob.open(path, digests);
    cleanUpOf(t).defer(() => blob.close());
    const { layout } = metainfo;
    for (let index = 0; index < layout.pieceCount; index++) {
      const start = index * layout.pieceLength;
      await blob.write(index, bytes.subarray(start, start + pieceLengthAt(layout, index)));
    }
    if (isOnDisk) await blob.finish();
    else await assert.rejects(blob.finish(), UnavailableError);
    assert.equal(lstatSync(path, { throwIfNoEntry: false }) !== undefined, isOnDisk);
  });
}
