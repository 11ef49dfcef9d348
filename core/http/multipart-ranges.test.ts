import assert from "node:assert/strict";
import { test } from "node:test";

import { multipartRanges } from "./multipart-ranges.ts";

test("multipartRanges() lays out what its length says", () => {
  const ranges = [
    { start: 0, end: 2 },
    { start: 5, end: 8 },
  ];
  const text = "0123456789";
  const body = { size: text.length, contentType: "application/octet-stream", boundary: "B" };
  const { contentType, contentLength, parts, tail } = multipartRanges(ranges, body);
  const whole = parts.map(({ head, range }) => head + text.slice(range.start, range.end)).join("");
  assert.equal(
    whole + tail,
    "\r\n--B\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/10\r\n\r\n01" +
      "\r\n--B\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 5-7/10\r\n\r\n567" +
      "\r\n--B--\r\n",
  );
  assert.equal(contentLength, (whole + tail).length);
  assert.equal(contentType, "multipart/byteranges; boundary=B");
});
