import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { type CodedError, DataLossError, StorageFullError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { storageErrorFrom, storing, systemCodeOf } from "./storage-error.ts";

/** An error as Node makes it of what the system says. */
const systemError = (code: string): Error => Object.assign(new Error(`${code}: write`), { code });

const told: Record<string, readonly [typeof CodedError, string, string]> = {
  ENOSPC: [StorageFullError, "resource_exhausted", "Cannot write to the store: the disk is full"],
  EDQUOT: [StorageFullError, "resource_exhausted", "Cannot write to the store: the disk is full"],
  EIO: [DataLossError, "data_loss", "Cannot use the store: the disk fails"],
  EROFS: [DataLossError, "data_loss", "Cannot write to the store: its file system is read-only"],
};

for (const [systemCode, [kind, code, message]] of Object.entries(told)) {
  test(`${systemCode} is told clearly, with what the system said`, async () => {
    const cause = systemError(systemCode);
    await assert.rejects(storing(Promise.reject(cause)), (error) => {
      assert.ok(error instanceof kind);
      assert.equal(error.code, code);
      assert.equal(error.message, message);
      assert.equal(error.cause, cause);
      return true;
    });
  });
}

test("other errors stay what they are, and results come through", async () => {
  const bug = new TypeError("a bug");
  for (const error of [bug, systemError("ENOENT"), "text", undefined]) {
    assert.equal(storageErrorFrom(error), error);
  }
  assert.equal(await storing(Promise.resolve(7)), 7);
});

test("a disk that is full says so itself, in an error of its own", async (t) => {
  const path = join(tmpdir(), `storage-error-${process.pid}`);
  cleanUpOf(t).defer(() => rm(path, { force: true }));
  await assert.rejects(storing(writeFile("/dev/full", "x")), StorageFullError);
  await storing(writeFile(path, "x"));
});

test("systemCodeOf() gives the name of a system's error alone", () => {
  assert.equal(systemCodeOf(systemError("ENOENT")), "ENOENT");
  assert.equal(systemCodeOf(Object.assign(new Error("x"), { code: 5 })), "");
  assert.equal(systemCodeOf({ code: "ENOENT" }), "");
});
