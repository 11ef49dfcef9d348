import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { DataLossError } from "../errors.ts";
import { FileSystemSync } from "./file-system-sync.ts";

test("sync() waits for the file system of a folder, and tells when it cannot", async () => {
  const fileSystem = await FileSystemSync.open(tmpdir());
  await Promise.all([fileSystem.sync(), fileSystem.sync()]);
  await fileSystem[Symbol.asyncDispose]();
  await assert.rejects(fileSystem.sync(), DataLossError);
});
