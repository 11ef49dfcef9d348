import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { blobFixture } from "../core/testing/blob-fixture.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { PinnedImages } from "./pinned-images.ts";
import { StateFile } from "./state-file.ts";

const name = "a.example/pond/fish:latest";
const [one, two, a, b] = ["one", "two", "a", "b"].map((seed) => blobFixture(10, seed).digest);

test("the blobs of a pinned reference stay, also over a restart, until it is unpinned", async (t) => {
  assert.ok(one && two && a && b);
  const path = join(testFolder(t), "pinned-images.json");
  const open = async (...references: string[]) =>
    PinnedImages.open({
      file: new StateFile({ path, logger: new MemoryLogger() }),
      references: new Set(references),
    });
  const pinned = await open(name);
  pinned.add(name, one, [one, a]);
  pinned.add("a.example/pond/other:latest", two, [b]);
  assert.deepEqual(
    [one, a, b].map((digest) => pinned.has(digest)),
    [true, true, false],
  );
  await pinned.settle(name, one);
  assert.equal((await open(name)).has(a), true);
  assert.equal((await open()).has(a), false);

  // A second platform of the same image adds; another image takes over when it is settled.
  pinned.add(name, one, [b]);
  await pinned.settle(name, one);
  assert.equal(pinned.has(a), true);
  pinned.add(name, two, [two]);
  assert.equal(pinned.has(a), true);
  await pinned.settle(name, two);
  assert.deepEqual(
    [a, b, two].map((digest) => pinned.has(digest)),
    [false, false, true],
  );

  for (const text of ["", "{", "[]", "null", `{"${name}": {"x": ["y"]}}`, `{"${name}": 5}`]) {
    await writeFile(path, text);
    assert.equal((await open(name)).has(two), false);
  }
});
