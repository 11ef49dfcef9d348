import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { stackOf } from "./interruptible.ts";
import { logsLine } from "./readiness.ts";
import { startProcess } from "./supervised-process.ts";
import { createTestDirectory } from "./test-directory.ts";

test("startProcess() gives a process that is ready, and stop() ends it", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const logPath = join(directory.path, "log");
  const daemon = stack.use(
    await startProcess({
      name: "sleeper",
      argv: ["sh", "-c", "echo up; exec sleep 600"],
      logPath,
      ready: logsLine(logPath, /^up$/m),
    }),
  );
  assert.ok(existsSync(`/proc/${daemon.pid}`));

  await daemon.stop();

  assert.equal(await daemon.ended, "SIGTERM");
  assert.ok(!existsSync(`/proc/${daemon.pid}`));
});

test("startProcess() tells the end of the log of a process that fails", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const logPath = join(directory.path, "log");
  const starting = startProcess({
    name: "failure",
    argv: ["sh", "-c", "echo no such luck; exit 3"],
    logPath,
    ready: logsLine(logPath, /^up$/m),
  });
  await assert.rejects(starting, /Cannot start failure: it ended with 3\nno such luck/);
});

test("startProcess() ends a process that does not become ready in time", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const logPath = join(directory.path, "log");
  const starting = startProcess({
    name: "laggard",
    argv: ["sleep", "600"],
    logPath,
    ready: logsLine(logPath, /^up$/m),
    readyWithinMs: 50,
  });
  await assert.rejects(starting, /Cannot start laggard: it was not ready within 50 ms/);
});
