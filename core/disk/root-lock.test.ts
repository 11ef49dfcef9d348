import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
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
  assert.equal(existsSync(path), false);
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

test("acquire() is not fooled by a process id that is used again", (t) => {
  const path = lockPath(t);
  const lock = RootLock.acquire(path);
  const [id = "", boot = "", started = ""] = readFileSync(path, "utf8").split("\n");
  lock[Symbol.dispose]();
  for (const stale of [`${id}\n${boot}\n${started}0\n`, `${id}\nother\n${started}\n`, "", "x\n"]) {
    writeFileSync(path, stale);
    RootLock.acquire(path)[Symbol.dispose]();
  }
});
