import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRangeHeader } from "./range-header.ts";

test("parseRangeHeader() reads single ranges, open ones and suffixes", () => {
  assert.deepEqual(parseRangeHeader("bytes=0-0", 10), { start: 0, end: 1 });
  assert.deepEqual(parseRangeHeader("bytes=3-", 10), { start: 3, end: 10 });
  assert.deepEqual(parseRangeHeader("bytes=3-99", 10), { start: 3, end: 10 });
  assert.deepEqual(parseRangeHeader("bytes=-4", 10), { start: 6, end: 10 });
  assert.deepEqual(parseRangeHeader("bytes=-99", 10), { start: 0, end: 10 });
});

test("parseRangeHeader() tells what lies past the end", () => {
  assert.equal(parseRangeHeader("bytes=10-", 10), "unsatisfiable");
  assert.equal(parseRangeHeader("bytes=-0", 10), "unsatisfiable");
});

test("parseRangeHeader() ignores what it need not understand", () => {
  const odd = [undefined, "", "bytes=-", "bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"];
  for (const header of odd) assert.equal(parseRangeHeader(header, 10), undefined);
});
