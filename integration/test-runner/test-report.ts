import { relative, resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

import { repositoryPath } from "../support/repository.ts";

/** Enough of an error to see what is wrong: the differences of a deep comparison fit. */
const errorLinesMax = 25;

/** More tests at once are not begun in one file, but where a file begins them all at once. */
const runningShownMax = 5;

const noneRunning = "no test was running: one that had ended may have left something open";

/** What a run of node's tests came to. */
export interface TestReport {
  readonly counts: TestCounts;
  readonly failures: readonly TestFailure[];
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface TestFailure {
  readonly test: string;
  /** File and line. */
  readonly place: string;
  readonly error: string;
}

type FailEvent = Extract<TestEvent, { readonly type: "test:fail" }>["data"];

/** Puts the report of a run together from what node's test runner tells. */
export class TestReportBuilder {
  #counts: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  readonly #failures: TestFailure[] = [];
  /** Tests that were begun and have not ended, by what tells them apart. */
  readonly #running = new Map<string, { readonly file: string; readonly text: string }>();

  add({ type, data }: TestEvent): void {
    if (type === "test:dequeue" && data.file !== undefined && !isFile(data)) {
      this.#running.set(keyOf(data), { file: data.file, text: `${data.name}, ${placeOf(data)}` });
    }
    if (type === "test:complete") this.#running.delete(keyOf(data));
    if (type === "test:fail") this.#addFailure(data);
    // Each file has a summary, too.
    if (type === "test:summary" && data.file === undefined) {
      const { tests, passed, todo } = data.counts;
      const skipped = data.counts.skipped + todo;
      this.#counts = { passed, failed: tests - passed - skipped, skipped };
    }
  }

  report(): TestReport {
    return { counts: this.#counts, failures: this.#failures };
  }

  #addFailure(data: FailEvent): void {
    const { error } = data.details;
    const kind = "failureType" in error ? error.failureType : undefined;
    // The test inside it is told of itself.
    if (kind === "subtestsFailed" || data.todo !== undefined) return;
    const isWhole = isFile(data);
    this.#failures.push({
      test: isWhole ? "the file itself" : data.name,
      place: placeOf(data),
      error: isWhole ? this.#fileProblem(data) : shortened(inspect(error.cause)),
    });
  }

  /** Why a file failed beside its tests: it hung, or its process ended badly. */
  #fileProblem({ file, details: { error } }: FailEvent): string {
    const exitCode = "exitCode" in error ? `, exit code ${String(error.exitCode)}` : "";
    // A test may stand in a file that several others share.
    const running = [...this.#running.values()]
      .filter((test) => test.file === file || !test.file.endsWith(".test.ts"))
      .map(({ text }) => `running: ${text}`);
    const isHanging = "failureType" in error && error.failureType === "testTimeoutFailure";
    if (isHanging && running.length === 0) running.push(noneRunning);
    return [`${error.message}${exitCode}`, ...running.slice(0, runningShownMax)].join("\n");
  }
}

interface Location {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
}

/** A file is a test itself, by the name of its path, which begins where the runner was started. */
function isFile({ name, file }: Location): boolean {
  return file !== undefined && resolve(name) === file;
}

function keyOf({ name, file, line }: Location): string {
  return JSON.stringify([file, line, name]);
}

function placeOf({ file, line }: Location): string {
  return file === undefined ? "?" : `${relative(repositoryPath, file)}:${line ?? 0}`;
}

/** The text of an error without the calls inside of node, cut where it is long. */
function shortened(error: string): string {
  const lines = error.split("\n").filter((line) => !/^\s+at .*\(?node:/.test(line));
  if (lines.length <= errorLinesMax) return lines.join("\n");
  return [...lines.slice(0, errorLinesMax), "…"].join("\n");
}
