import assert from "node:assert/strict";
import { test } from "node:test";

import { parseGoTests } from "./go-suite.ts";

test("parseGoTests() counts the tests without parts", () => {
  const output = `=== RUN   TestRaw
=== RUN   TestRaw/Writer
    content_test.go:12: --- FAIL: not a verdict
--- FAIL: TestRaw (0.20s)
    --- PASS: TestRaw/Writer (0.10s)
    --- FAIL: TestRaw/Resume (0.10s)
--- SKIP: TestOther (0.00s)
FAIL
`;
  assert.deepEqual(parseGoTests(output), [
    { name: "TestRaw/Writer", status: "pass" },
    { name: "TestRaw/Resume", status: "fail" },
    { name: "TestOther", status: "skip" },
  ]);
});
