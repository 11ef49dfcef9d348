import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { repositoryPath } from "../support/repository.ts";
import { TestReportBuilder } from "./test-report.ts";

const file = join(repositoryPath, "pond.test.ts");
const shared = join(repositoryPath, "pond-conformance.ts");
const other = join(repositoryPath, "lake.test.ts");

/** Tells that a file was ended because it took too long. */
function hang(report: TestReportBuilder): void {
  const cause = new Error("test timed out after 9ms");
  const error = Object.assign(new Error(cause.message), {
    cause,
    failureType: "testTimeoutFailure",
  });
  const data = { name: file, file, nesting: 0, testNumber: 1, details: { duration_ms: 9, error } };
  report.add({ type: "test:fail", data: { ...data, line: 1, column: 1 } });
}

test("a file that hangs is told with its tests that were running", () => {
  const report = new TestReportBuilder();
  const begin = (name: string, place: string, line: number) => {
    const data = { name, file: place, line, column: 1, nesting: 0, type: "test" } as const;
    report.add({ type: "test:dequeue", data });
    return data;
  };
  begin(file, file, 1);
  const ended = begin("has water", file, 3);
  const details = { duration_ms: 1, passed: true };
  report.add({ type: "test:complete", data: { ...ended, testNumber: 1, details } });
  begin("has fish", file, 5);
  begin("has weed", shared, 7);
  begin("is a lake", other, 9);
  hang(report);
  assert.deepEqual(report.report().failures, [
    {
      test: "the file itself",
      place: "pond.test.ts:1",
      error: [
        "test timed out after 9ms",
        "running: has fish, pond.test.ts:5",
        "running: has weed, pond-conformance.ts:7",
      ].join("\n"),
    },
  ]);
});
