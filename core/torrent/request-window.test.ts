import assert from "node:assert/strict";
import { test } from "node:test";

import { RequestWindow } from "./request-window.ts";

const kibibyte = 1024;

/** Lets bytes arrive evenly for a second. */
function feed(window: RequestWindow, bytesPerSecond: number, startMs: number): void {
  for (let step = 1; step <= 100; step++)
    window.received(bytesPerSecond / 100, startMs + step * 10);
}

test("RequestWindow shrinks on a slow link and grows on a fast one, within bounds", () => {
  const window = new RequestWindow({ roundTripMs: 1, nowMs: 0 });
  feed(window, 100_000, 0);
  assert.equal(window.bytes, 128 * kibibyte);
  assert.equal(window.blockLength, 32 * kibibyte);
  for (const second of [1, 2, 3]) feed(window, 1e9, second * 1000);
  assert.equal(window.bytes, 8 * kibibyte * kibibyte);
  assert.ok(Math.abs(window.rate - 1e9) < 1e8);
});

test("RequestWindow begins with little and doubles with each round trip until a rate is known", () => {
  const window = new RequestWindow({ roundTripMs: 1, nowMs: 0 });
  assert.equal(window.bytes, 256 * kibibyte);
  window.received(256 * kibibyte, 1);
  assert.equal(window.bytes, 512 * kibibyte);
  window.received(512 * kibibyte, 2);
  window.received(1024 * kibibyte, 3);
  assert.equal(window.bytes, 1024 * kibibyte);
});

test("RequestWindow asks for more than a round trip holds, so that it can grow", () => {
  const window = new RequestWindow({ roundTripMs: 200, nowMs: 0 });
  for (const second of [0, 1, 2]) feed(window, 4e6, second * 1000);
  assert.ok(window.bytes > 4e6 * 0.2 * 2);
});
