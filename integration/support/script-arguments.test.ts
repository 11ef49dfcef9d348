import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { testFolder } from "../../core/testing/test-folder.ts";

const scripts = {
  demo: "../demo/main.ts",
  test: "../run-tests.ts",
  bench: "../../bench/main.ts",
} as const;

function run(name: keyof typeof scripts, args: readonly string[], env = process.env) {
  const file = fileURLToPath(new URL(scripts[name], import.meta.url));
  return spawnSync(process.execPath, [file, ...args], { encoding: "utf8", env });
}

test("scripts say how they are used, and tell misuse without a stack", () => {
  for (const name of ["demo", "test", "bench"] as const) {
    const help = run(name, ["--help"]);
    assert.deepEqual([help.status, help.stderr.includes("usage")], [0, false], help.stderr);
    assert.match(help.stdout, /^usage: npm (run )?(demo|test|bench) -- /);
    const misuse = run(name, ["--frob"]);
    assert.deepEqual([misuse.status, misuse.stdout], [2, ""]);
    assert.match(misuse.stderr, /--frob/);
    assert.match(misuse.stderr, /^usage: npm /m);
    assert.doesNotMatch(misuse.stderr, /^ +at /m);
  }
});

test("a machine without apt is told what is missing, and how to get it", async (t) => {
  const folder = testFolder(t, "script");
  await symlink("/bin/sh", join(folder, "sh"));
  const env = { PATH: folder, CI: "true" };
  const demo = run("demo", [], env);
  assert.equal(demo.status, 1);
  const tests = run("test", ["--only", "integration"], env);
  assert.equal(tests.status, 1);
  for (const text of [demo.stderr, tests.stdout + tests.stderr]) {
    assert.match(text, /Missing containerd, runc, .*this machine has no apt/);
    assert.match(text, /On Debian, as root: apt-get install containerd runc /);
    assert.doesNotMatch(text, /^ +at /m);
  }
});
