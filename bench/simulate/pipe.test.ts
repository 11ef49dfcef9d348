import assert from "node:assert/strict";
import { test } from "node:test";

import { Pipe } from "./pipe.ts";

test("bytes that come slower than a pipe lets through go on as they come", () => {
  const pipe = new Pipe(10);
  assert.equal(pipe.pass(100, { startMs: 0, endMs: 20 }), 20);
});

test("bytes that come faster, or while others pass, wait for their turn", () => {
  const pipe = new Pipe(10);
  assert.equal(pipe.pass(100, { startMs: 0, endMs: 1 }), 10);
  assert.equal(pipe.pass(50, { startMs: 2, endMs: 3 }), 15);
  assert.equal(pipe.bytes, 150);
});
