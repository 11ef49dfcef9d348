import assert from "node:assert/strict";
import { readdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { encodeMetainfo } from "../core/metainfo.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { MetainfoFiles } from "./metainfo-files.ts";

const defaults = { countMax: 10, generation: "a".repeat(32) };

async function open(t: TestContext, folder: string, options: Partial<typeof defaults> = {}) {
  const logger = new MemoryLogger();
  const opened = await MetainfoFiles.open(folder, {
    ...{ ...defaults, ...options },
    ...{ logger, signal: t.signal },
  });
  return { ...opened, logger };
}

test("MetainfoFiles gives after a restart what was kept, and is the same run", async (t) => {
  const folder = testFolder(t);
  const { metainfo } = blobFixture(1_000_000);
  const first = await open(t, folder);
  assert.deepEqual(first.kept, []);
  await first.files.keep(metainfo);
  const second = await open(t, folder, { generation: "b".repeat(32) });
  assert.deepEqual(second.kept, [metainfo]);
  assert.equal(second.generation, first.generation);
});

test("MetainfoFiles forgets what was dropped, also right after it was kept", async (t) => {
  const folder = testFolder(t);
  const { metainfo } = blobFixture(1000);
  const { files } = await open(t, folder);
  void files.keep(metainfo);
  files.drop(metainfo.infoHash);
  await files[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(folder), ["generation"]);
});

test("MetainfoFiles removes what is damaged, misnamed or unfinished", async (t) => {
  const folder = testFolder(t);
  const { metainfo } = blobFixture(1000);
  const encoded = encodeMetainfo(metainfo);
  const right = `${metainfo.infoHash}.torrent`;
  const zeros = "0".repeat(40);
  await writeFile(join(folder, right), encoded);
  await writeFile(join(folder, `${zeros}.torrent`), encoded);
  await writeFile(join(folder, `${"1".repeat(40)}.torrent`), encoded.subarray(0, 100));
  await writeFile(join(folder, `${"2".repeat(40)}.torrent`), Buffer.alloc(1024 * 1024));
  await writeFile(join(folder, `${right}.tmp`), encoded);
  await writeFile(join(folder, "generation"), "damaged");
  await writeFile(join(folder, "somebody-elses"), "stays");
  const { kept, generation } = await open(t, folder);
  assert.deepEqual(kept, [metainfo]);
  assert.equal(generation, defaults.generation);
  assert.deepEqual((await readdir(folder)).sort(), [right, "generation", "somebody-elses"].sort());
});

test("MetainfoFiles removes the oldest files when there are too many", async (t) => {
  const folder = testFolder(t);
  const blobs = ["a", "b", "c"].map((seed) => blobFixture(1000, seed).metainfo);
  for (const [index, metainfo] of blobs.entries()) {
    const path = join(folder, `${metainfo.infoHash}.torrent`);
    await writeFile(path, encodeMetainfo(metainfo));
    await utimes(path, 1000 + index, 1000 + index);
  }
  const { kept } = await open(t, folder, { countMax: 2 });
  assert.deepEqual(kept, blobs.slice(1));
  assert.equal((await readdir(folder)).length, 3);
});

test("MetainfoFiles logs what it cannot keep, and goes on", async (t) => {
  const folder = testFolder(t);
  const { files, logger } = await open(t, folder);
  await rm(folder, { recursive: true });
  await files.keep(blobFixture(1000).metainfo);
  assert.deepEqual(
    logger.lines.map(({ level, message }) => [level, message]),
    [["warn", "cannot keep metainfo on disk"]],
  );
  await writeFile(folder, "");
});
