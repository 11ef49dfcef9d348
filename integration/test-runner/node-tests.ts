import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import type { StepResult, TestCounts } from "./summary.ts";
import { runShown } from "./tool.ts";

/** Bounds one test file; a test that waits for ever must not take the time of all others. */
const fileTimeoutMs = 10 * 60_000;

/** Runs the tests of all files that match, and shows node's own report. */
export async function runNodeTests(
  patterns: readonly string[],
  {
    signal,
    filesAtOnce = availableParallelism(),
  }: { readonly signal: AbortSignal; readonly filesAtOnce?: number },
): Promise<StepResult> {
  const directory = await createTemporaryDirectory();
  try {
    const report = join(directory.path, "report.tap");
    const flags = [
      "--test",
      "--disable-warning=ExperimentalWarning",
      `--test-concurrency=${filesAtOnce}`,
      `--test-timeout=${fileTimeoutMs}`,
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=tap", `--test-reporter-destination=${report}`],
    ];
    const isGood = await runShown(process.execPath, [...flags, ...patterns], { signal });
    const tests = parseCounts(await readFile(report, "utf8"));
    return { outcome: isGood ? "passed" : "failed", tests };
  } finally {
    await directory[Symbol.asyncDispose]();
  }
}

/** Reads the counts that node's TAP reporter ends with. */
function parseCounts(tap: string): TestCounts {
  const count = (name: string) => {
    const matches = [...tap.matchAll(new RegExp(`^# ${name} (\\d+)$`, "gm"))];
    return Number(matches.at(-1)?.[1] ?? 0);
  };
  return {
    passed: count("pass"),
    failed: count("fail") + count("cancelled"),
    skipped: count("skipped") + count("todo"),
  };
}
