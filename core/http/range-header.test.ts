import assert from "node:assert/strict";
import { test } from "node:test";

import { isPartOf, parseRangeHeader, parseRangesHeader } from "./range-header.ts";

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

test("isPartOf() tells parts from all of the rest", () => {
  for (const part of ["bytes=0-1", "bytes=-8", "bytes=0-1, -7", "bytes=0-0,5-6"]) {
    assert.equal(isPartOf(part, 10), true, part);
  }
  for (const rest of ["bytes=0-", "bytes=100-", "bytes=0-1,5-", "bytes=5- , 0-1"]) {
    assert.equal(isPartOf(rest, 10), false, rest);
  }
  for (const all of ["bytes=0-9", "bytes=0-99", "bytes=-10", "bytes=0-4,5-9", "bytes=a-b"]) {
    assert.equal(isPartOf(all, 10), false, all);
  }
});

test("parseRangesHeader() reads several ranges, in their order in the body", () => {
  assert.deepEqual(parseRangesHeader("bytes=0-1", 10), [{ start: 0, end: 2 }]);
  assert.deepEqual(parseRangesHeader("bytes=8-, 0-1,4-5", 10), [
    { start: 0, end: 2 },
    { start: 4, end: 6 },
    { start: 8, end: 10 },
  ]);
});

test("parseRangesHeader() gives bytes once that are asked for often", () => {
  assert.deepEqual(parseRangesHeader("bytes=0-5,2-3,6-7,-1", 10), [
    { start: 0, end: 8 },
    { start: 9, end: 10 },
  ]);
  const often = Array.from({ length: 256 }, () => "0-").join(",");
  assert.deepEqual(parseRangesHeader(`bytes=${often}`, 10), [{ start: 0, end: 10 }]);
});

test("parseRangesHeader() refuses crowds of ranges", () => {
  const many = Array.from({ length: 257 }, (_, index) => `${index * 2}-${index * 2}`).join(",");
  assert.equal(parseRangesHeader(`bytes=${many}`, 1000), "excessive");
});

test("parseRangesHeader() leaves out what lies past the end", () => {
  assert.deepEqual(parseRangesHeader("bytes=0-1,10-12", 10), [{ start: 0, end: 2 }]);
  assert.equal(parseRangesHeader("bytes=10-,-0", 10), "unsatisfiable");
});

test("parseRangesHeader() ignores what it need not understand", () => {
  const odd = [undefined, "", "bytes=", "bytes=-", "bytes=5-4", "bytes=0-1,", "bytes=0-1,x"];
  for (const header of odd) assert.equal(parseRangesHeader(header, 10), undefined, header);
});
