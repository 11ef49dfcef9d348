import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";

import { storageErrorFrom } from "../core/disk/storage-error.ts";
import { DataLossError, UnavailableError } from "../core/errors.ts";
import { failureFields } from "./failure-fields.ts";

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, syscall: "mkdir", path: "/var/lib/shoal" });
}

test("a failure of the disk names the path that its cause names", () => {
  const cause = systemError("EROFS", "EROFS: read-only file system, mkdir '/var/lib/shoal'");
  const error = storageErrorFrom(cause);
  assert.ok(error instanceof DataLossError);
  assert.deepEqual(failureFields(error), {
    code: "data_loss",
    problem:
      "Cannot write to the store: its file system is read-only: " +
      "EROFS: read-only file system, mkdir '/var/lib/shoal'",
  });
});

test("a cause that its error tells already is not told twice, and a circle of causes ends", () => {
  const cause = new Error("it is not there");
  const error = new UnavailableError("Cannot reach it: it is not there", { cause });
  cause.cause = error;
  assert.equal(failureFields(error)["problem"], "Cannot reach it: it is not there");
});

test("what the system says of a missing folder has its code and no stack", async () => {
  const error: unknown = await readdir("/nowhere/at/all").catch((reason: unknown) => reason);
  assert.deepEqual(failureFields(error), {
    code: "ENOENT",
    problem: "ENOENT: no such file or directory, scandir '/nowhere/at/all'",
  });
});

test("an error of the system that nobody can mend is told whole, as a mistake of ours is", () => {
  for (const error of [systemError("EBADF", "EBADF: bad file descriptor"), new TypeError("x")]) {
    assert.deepEqual(failureFields(error), { error });
  }
});
