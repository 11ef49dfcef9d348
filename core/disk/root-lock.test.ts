import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { SmallDisk, asRoot } from "../testing/small-disk.ts";
import { testFolder } from "../testing/test-folder.ts";
import { RootLock } from "./root-lock.ts";

function lockPath(t: TestContext): string {
  const folder = testFolder(t, "lock");
  return join(folder, "lock");
}

test("acquire() refuses while somebody holds it, and nothing is left over", (t) => {
  const path = lockPath(t);
  const lock = RootLock.acquire(path);
  assert.throws(() => RootLock.acquire(path), UnavailableError);
  lock[Symbol.dispose]();
  lock[Symbol.dispose]();
  assert.deepEqual(readdirSync(join(path, "..")), []);
  RootLock.acquire(path)[Symbol.dispose]();
  assert.deepEqual(readdirSync(join(path, "..")), []);
});

test("acquire() heeds another process that lives, and takes over from one that was killed", async (t) => {
  const path = lockPath(t);
  const module = JSON.stringify(new URL("./root-lock.ts", import.meta.url).href);
  const code = `const { RootLock } = await import(${module});
    RootLock.acquire(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
  cleanUpOf(t).defer(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  assert.throws(() => RootLock.acquire(path), UnavailableError);
  child.kill("SIGKILL");
  await once(child, "exit");
  RootLock.acquire(path)[Symbol.dispose]();
});

for (const [kind, place] of [
  ["link", (path: string, parts: string[]) => symlinkSync(parts.join(" "), path)],
  // As it was made by versions before.
  ["file", (path: string, parts: string[]) => writeFileSync(path, `${parts.join("\n")}\n`)],
] as const) {
  test(`acquire() heeds a ${kind}, and is not fooled by a process id that is used again`, (t) => {
    const path = lockPath(t);
    const lock = RootLock.acquire(path);
    const [id = "", boot = "", started = ""] = readlinkSync(path).split(" ");
    lock[Symbol.dispose]();
    for (const stale of [[id, boot, `${started}0`], [id, "other", started], ["x"]]) {
      place(path, stale);
      RootLock.acquire(path)[Symbol.dispose]();
    }
    place(path, [id, boot, started]);
    assert.throws(() => RootLock.acquire(path), UnavailableError);
  });
}

test("a lock file that was cut short by a full disk is taken over", (t) => {
  const path = lockPath(t);
  writeFileSync(path, "");
  RootLock.acquire(path)[Symbol.dispose]();
});

test("acquire() needs no room on the disk", asRoot, (t) => {
  const disk = new SmallDisk(t);
  mkdirSync(disk.root);
  disk.fill();
  RootLock.acquire(join(disk.root, "lock"))[Symbol.dispose]();
  assert.deepEqual(readdirSync(disk.root), []);
});
