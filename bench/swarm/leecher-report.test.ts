import assert from "node:assert/strict";
import { test } from "node:test";

import { findReport, reportLine } from "./leecher-report.ts";

const report = {
  received: { peers: 3, seeders: 2, webSeeds: 0, origin: 0 },
  ...{ firstPieceMs: 12.5, longestIdleMs: 100 },
};

test("`findReport()` finds in a log what `reportLine()` has said", () => {
  assert.deepEqual(findReport(`ready\nWARN odd\n${reportLine(report)}\ndone 1.0 2.0\n`), report);
  const reader = { firstByteMs: 1, longestWaitMs: 2, wholeMs: 3 };
  assert.deepEqual(findReport(`${reportLine({ ...report, reader })}\n`), { ...report, reader });
});

test("`findReport()` finds none where an engine makes none, and refuses what is no report", () => {
  assert.equal(findReport("ready\ndone 1.0 2.0\n"), undefined);
  assert.throws(() => findReport('report {"received":{}}\n'));
});
