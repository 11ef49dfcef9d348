import type { TestCounts, TestFailure } from "./test-report.ts";

/** Where more fail, it is seldom for a reason of their own. */
const failuresShownMax = 20;

/** How one step of the run ended. */
export interface StepResult {
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why, where its own output does not say it. */
  readonly message?: string;
  /** Tests that it ran, where it ran tests. */
  readonly tests?: TestCounts;
  readonly failures?: readonly TestFailure[];
}

export interface NamedResult {
  readonly name: string;
  readonly durationMs: number;
  readonly result: StepResult;
}

/**
 * Prints which tests failed and why, and what became of each step; tells whether all is well.
 * The failures are in the output of their step, too, but only the end of a long output is kept.
 */
export function printSummary(results: readonly NamedResult[]): boolean {
  const lines = results.map(({ name, durationMs, result }) => {
    const { outcome, message, tests } = result;
    const counts =
      tests === undefined
        ? ""
        : `${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`;
    const duration = `${(durationMs / 1000).toFixed(1)} s`.padStart(8);
    return `${name.padEnd(12)} ${outcome.padEnd(8)} ${duration}  ${message ?? counts}`.trimEnd();
  });
  const totals = totalsOf(results);
  printFailures(results.flatMap(({ result }) => result.failures ?? []));
  process.stdout.write(`\n=== summary\n${lines.join("\n")}\n\n`);
  process.stdout.write(
    `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
  );
  return results.every(({ result }) => result.outcome !== "failed");
}

function printFailures(failures: readonly TestFailure[]): void {
  if (failures.length === 0) return;
  const texts = failures.slice(0, failuresShownMax).map(({ test, place, error }) => {
    return [`${place}: ${test}`, ...error.split("\n")].join("\n    ");
  });
  if (failures.length > texts.length) texts.push(`and ${failures.length - texts.length} more`);
  process.stdout.write(`\n=== failures\n${texts.join("\n\n")}\n`);
}

/** A step that runs no tests counts as one test; a failed run has at least one failure. */
function totalsOf(results: readonly NamedResult[]): TestCounts {
  const counts = results.map(({ result }): TestCounts => {
    const { outcome, tests } = result;
    const isUntold = tests === undefined || (outcome === "failed" && tests.failed === 0);
    return {
      passed: (tests?.passed ?? 0) + (isUntold && outcome === "passed" ? 1 : 0),
      failed: (tests?.failed ?? 0) + (isUntold && outcome === "failed" ? 1 : 0),
      skipped: (tests?.skipped ?? 0) + (isUntold && outcome === "skipped" ? 1 : 0),
    };
  });
  const sum = (key: keyof TestCounts) => counts.reduce((total, each) => total + each[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}
