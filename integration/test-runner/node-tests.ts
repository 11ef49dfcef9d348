import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import type { StepResult } from "./summary.ts";
import type { TestReport } from "./test-report.ts";
import { runShown } from "./tool.ts";

const reporter = join(import.meta.dirname, "reporter-main.ts");

export interface NodeTestsOptions {
  readonly signal: AbortSignal;
  /** Bounds one test file; a test that waits for ever must not take the time of all others. */
  readonly fileTimeoutMs: number;
  readonly filesAtOnce?: number;
}

/** Runs the tests of all files that match, and shows node's own report. */
export async function runNodeTests(
  patterns: readonly string[],
  { signal, fileTimeoutMs, filesAtOnce = availableParallelism() }: NodeTestsOptions,
): Promise<StepResult> {
  const directory = await createTemporaryDirectory();
  try {
    const path = join(directory.path, "report.json");
    const flags = [
      "--test",
      "--disable-warning=ExperimentalWarning",
      `--test-concurrency=${filesAtOnce}`,
      `--test-timeout=${fileTimeoutMs}`,
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${path}`],
    ];
    const isGood = await runShown(process.execPath, [...flags, ...patterns], { signal });
    const { counts, failures } = parseReport(await readFile(path, "utf8"));
    return { outcome: isGood ? "passed" : "failed", tests: counts, failures };
  } finally {
    await directory[Symbol.asyncDispose]();
  }
}

/** Reads what our reporter wrote: nothing, where the run was interrupted. */
function parseReport(text: string): TestReport {
  if (text === "") return { counts: { passed: 0, failed: 0, skipped: 0 }, failures: [] };
  return JSON.parse(text) as TestReport;
}
