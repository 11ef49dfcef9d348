import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { SystemClock } from "../system/system-clock.ts";
import { testFolder } from "../testing/test-folder.ts";
import { IngestFolder } from "./ingest-folder.ts";

test("an ingest is gone before the space of its bytes is free", async (t) => {
  const path = join(testFolder(t, "ingest"), "folder");
  const folder = new IngestFolder(path, { isStored: false, after: undefined });
  const now = new SystemClock().now();
  await folder.create({ ref: "ref", total: 0, startedAt: now, updatedAt: now });
  const data = await folder.remove();
  assert.equal(existsSync(path), false);
  assert.ok(holdsDeleted(folder.data));
  await data?.free();
  assert.equal(holdsDeleted(folder.data), false);
  assert.equal(await folder.remove(), undefined);
});

/** Whether this process has a file open that is deleted. */
function holdsDeleted(path: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === `${path} (deleted)`;
    } catch {
      return false;
    }
  });
}
