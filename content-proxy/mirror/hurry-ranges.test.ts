import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";

import type { ByteRange } from "../../core/byte-range.ts";
import { hurryRanges } from "./hurry-ranges.ts";

const ranges = Array.from({ length: 256 }, (_, index) => ({
  start: index * 100,
  end: index * 100 + 10,
}));

/** A blob of which ranges come when a test says so. */
function arrivalOf() {
  const waiting = new Map<number, () => void>();
  const asked: number[] = [];
  const ready = async ({ start }: ByteRange, { signal }: { readonly signal: AbortSignal }) => {
    asked.push(start / 100);
    await new Promise<void>((resolve, reject) => {
      waiting.set(start / 100, resolve);
      signal.addEventListener("abort", () => {
        waiting.delete(start / 100);
        reject(signal.reason as Error);
      });
    });
    waiting.delete(start / 100);
  };
  const come = async (index: number) => {
    waiting.get(index)?.();
    await setImmediate();
  };
  return { arrival: { ready }, asked, waiting, come };
}

test("hurryRanges() hurries 16 ranges at once, and the next as one of them comes", async () => {
  const { arrival, asked, come } = arrivalOf();
  const hurried = hurryRanges(arrival, ranges);
  assert.deepEqual(
    asked,
    Array.from({ length: 16 }, (_, index) => index),
  );
  await come(7);
  await come(3);
  assert.deepEqual(asked.slice(16), [16, 17]);
  hurried[Symbol.dispose]();
});

test("hurryRanges() leaves nothing behind when it is disposed of", async () => {
  const { arrival, asked, waiting } = arrivalOf();
  hurryRanges(arrival, ranges)[Symbol.dispose]();
  await setImmediate();
  assert.deepEqual([asked.length, waiting.size], [16, 0]);
});
