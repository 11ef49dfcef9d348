import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../core/testing/clean-up.ts";
import { testFolder } from "../core/testing/test-folder.ts";

const shoal = join(import.meta.dirname, "shoal.sh");

/** A log line of a service that a test looks at. */
interface Line {
  readonly message: string;
  readonly http?: { readonly port: number };
}

async function startTracker(t: TestContext, program: string): Promise<ChildProcess> {
  const folder = testFolder(t);
  const file = join(folder, "tracker.yaml");
  await writeFile(file, 'listen:\n  http: "127.0.0.1:0"\n  udp: "127.0.0.1:0"\n');
  const child = spawn(program, ["tracker", "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanUpOf(t).defer(() => child.kill("SIGKILL"));
  return child;
}

/** Waits for a log line. */
async function lineWith(child: ChildProcess, message: string): Promise<Line> {
  assert.ok(child.stderr);
  const lines = createInterface({ input: child.stderr });
  for await (const text of lines) {
    const line = JSON.parse(text) as Line;
    if (line.message === message) return line;
  }
  return assert.fail(`ended without ${message}`);
}

async function run(args: readonly string[]): Promise<{ code: unknown; stdout: string }> {
  const child = spawn(shoal, args, { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, stdout };
}

test("a service runs, tells of itself, and ends well on SIGTERM, also when called by a link", async (t) => {
  const link = join(testFolder(t), "shoal");
  await symlink(shoal, link);
  const tracker = await startTracker(t, link);
  const { http } = await lineWith(tracker, "ready");
  const status = await run(["status", "--url", `http://127.0.0.1:${http?.port}`]);
  assert.equal(status.code, 0);
  assert.match(status.stdout, /^tracker \d+\.\d+\.\d+, up /);
  const closed = once(tracker, "close");
  tracker.kill("SIGTERM");
  assert.deepEqual(await closed, [0, null]);
});

test("a reader that has enough of the output is no failure", async () => {
  const child = spawn(shoal, ["--help"], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.destroy();
  assert.deepEqual(await once(child, "close"), [0, null]);
});
