import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";

import { testFolder } from "../../core/testing/test-folder.ts";
import type { TestReport } from "./test-report.ts";

const reporter = join(import.meta.dirname, "reporter-main.ts");

/** Runs a test file of this content, and gives what the reporter says of it. */
async function reportOf(
  t: TestContext,
  content: string,
  options: readonly string[] = [],
): Promise<TestReport> {
  const folder = testFolder(t);
  await writeFile(join(folder, "pond.test.ts"), `import { test } from "node:test";\n${content}`);
  // A test runner that is told that it is in a test runs nothing.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const flags = ["--test", `--test-reporter=${reporter}`, ...options];
  // As in a real run, the file is found by a pattern, and so named without its folder.
  const child = spawn(process.execPath, [...flags, "*.test.ts"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    signal: t.signal,
    env,
  });
  const [output] = await Promise.all([text(child.stdout), once(child, "close")]);
  return JSON.parse(output) as TestReport;
}

test("a failure is told with its test, its place and its error, and once", async (t) => {
  const { counts, failures } = await reportOf(
    t,
    `test("a fish", () => {});
     test("a pond", async (t) => {
       await t.test("has water", () => { throw new Error("it is dry"); });
     });
     test("later", { skip: true }, () => {});`,
  );
  assert.deepEqual(counts, { passed: 1, failed: 2, skipped: 1 });
  const [failure, ...others] = failures;
  assert.deepEqual(others, []);
  assert.equal(failure?.test, "has water");
  assert.match(failure.place, /pond\.test\.ts:4$/);
  assert.match(failure.error, /^Error: it is dry\n +at .*pond\.test\.ts:4/);
  assert.doesNotMatch(failure.error, /node:internal/);
});

test("a long error is cut", async (t) => {
  const { failures } = await reportOf(
    t,
    `test("a flood", () => { throw new Error("water\\n".repeat(1000)); });`,
  );
  assert.ok((failures[0]?.error.length ?? Infinity) < 1000);
});

test("a file that hangs is told, and that no test of it was running", async (t) => {
  const content = `test("done", () => void setInterval(() => {}, 1000));`;
  const { failures } = await reportOf(t, content, ["--test-timeout=3000"]);
  assert.match(failures[0]?.error ?? "", /timed out after 3000ms\nno test was running/);
});

test("a file whose process ended badly is told with its exit code and the tests that were running", async (t) => {
  // What a test tells of itself leaves its process some turns later.
  const content = `test("leaves", async () => {
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
    process.exit(3);
  });`;
  const { failures } = await reportOf(t, content);
  const told = failures.find(({ test }) => test === "the file itself");
  assert.match(told?.error ?? "", /exit code 3\nrunning: leaves, .*pond\.test\.ts:2$/);
});
