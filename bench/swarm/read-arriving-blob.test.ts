import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { ByteRange } from "../../core/byte-range.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { createTemporaryDirectory } from "../../integration/support/temporary-directory.ts";
import { readArrivingBlob } from "./read-arriving-blob.ts";

test("`readArrivingBlob()` asks for what is missing, in order, and ends with all of it", async (t) => {
  const size = 2 ** 21 + 5;
  const directory = cleanUpOf(t).use(await createTemporaryDirectory());
  const path = join(directory.path, "blob");
  await writeFile(path, Buffer.alloc(size));
  const asked: ByteRange[] = [];
  // Each wait brings more than was asked for.
  let here = 0;
  const download = {
    availableEnd: (offset: number) => Math.max(offset, here),
    ready: async (range: ByteRange) => {
      asked.push(range);
      here = Math.min(size, range.start + 2 ** 20 + 3);
    },
  };
  const report = await readArrivingBlob(download, { path, size, signal: t.signal });
  assert.deepEqual(asked, [
    { start: 0, end: 1 },
    { start: 2 ** 20 + 3, end: 2 ** 20 + 4 },
  ]);
  assert(report.firstByteMs <= report.wholeMs);
  assert(report.longestWaitMs <= report.wholeMs);
});
