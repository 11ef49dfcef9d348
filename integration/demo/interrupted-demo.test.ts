import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";

test("the demo that is interrupted with all up ends, says so, and leaves no process behind", async (t) => {
  const cwd = new URL("../..", import.meta.url);
  // A group of its own, which a terminal would tell as a whole.
  const demo = spawn(process.execPath, ["integration/demo/main.ts"], {
    ...{ cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  });
  const group = -(demo.pid ?? assert.fail("the demo did not start"));
  cleanUpOf(t).defer(() => {
    if (isAlive(group)) process.kill(group, "SIGKILL");
  });
  const ended = once(demo, "close");
  const problems = text(demo.stderr);
  for await (const line of createInterface(demo.stdout)) {
    if (line.includes("Pushing the image")) process.kill(group, "SIGINT");
  }
  assert.deepEqual(await ended, [130, null]);
  assert.match(await problems, /Interrupted by SIGINT; everything that was started is gone again/);
  assert.equal(isAlive(group), false);
});

function isAlive(group: number): boolean {
  try {
    return process.kill(group, 0);
  } catch {
    return false;
  }
}
