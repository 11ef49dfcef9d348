import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { setAttributes } from "./entry-attributes.ts";
import { SystemCallError } from "./system-call-error.ts";
import type { TarEntry } from "./tar-entry.ts";

const { ENOSPC, ENOTSUP, EPERM } = constants.errno;
const time = { seconds: 0, nanoseconds: 0 };

function entryWith(kind: TarEntry["kind"], ...names: readonly string[]): TarEntry {
  const numbers = { mode: 0, uid: 0, gid: 0, size: 0, deviceMajor: 0, deviceMinor: 0 };
  const times = { accessed: time, modified: time };
  const attributes = names.map((name) => [name, "\xff"] as const);
  return { kind, name: "entry", linkName: "", ...numbers, times, attributes };
}

function failWith(errno: number): () => never {
  return () => {
    throw new SystemCallError("fsetxattr", errno);
  };
}

test("setAttributes() sets all but those of overlayfs, byte by byte", () => {
  const set = new Map<string, Buffer>();
  const entry = entryWith("file", "user.a", "trusted.overlay.opaque", "security.b");
  setAttributes(entry, (name, value) => void set.set(name, value));
  assert.deepEqual([...set.keys()], ["user.a", "security.b"]);
  assert.deepEqual(set.get("user.a"), Buffer.from([0xff]));
});

test("setAttributes() passes over what the file system or the kind of file cannot have", () => {
  setAttributes(entryWith("file", "user.a"), failWith(ENOTSUP));
  setAttributes(entryWith("symlink", "user.a"), failWith(EPERM));
  for (const entry of [entryWith("file", "user.a"), entryWith("symlink", "security.a")]) {
    assert.throws(() => setAttributes(entry, failWith(EPERM)), SystemCallError);
  }
});

test("setAttributes() does not take the room for attributes for that of the disk", () => {
  assert.throws(
    () => setAttributes(entryWith("file", "user.a"), failWith(ENOSPC)),
    LayerFormatError,
  );
});
