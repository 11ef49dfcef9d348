import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { testFolder } from "../testing/test-folder.ts";
import { OpenDescriptors, openDescriptors } from "./open-descriptors.ts";
import { OpenDirectory } from "./open-directory.ts";

/** What is open under the number of a descriptor; `undefined` for nothing. */
function openAs(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function folderOf(t: TestContext): string {
  const folder = testFolder(t, "descriptors");
  mkdirSync(join(folder, "sub"));
  return folder;
}

test("what a thread left open is closed by who has its account, and nothing else", (t) => {
  const folder = folderOf(t);
  const directory = OpenDirectory.at(folder);
  const closed = directory.open("sub");
  closed.close();
  // A number that was given back may be anybody's.
  const other = openSync(join(folder, "sub"), "r");
  assert.equal(other, closed.fd);
  const account = new OpenDescriptors(openDescriptors().memory);
  account.closeAll();
  assert.deepEqual([openAs(directory.fd), openAs(other)], [undefined, join(folder, "sub")]);
  account.closeAll();
  assert.equal(openAs(other), join(folder, "sub"));
  closeSync(other);
});
