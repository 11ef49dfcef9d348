import assert from "node:assert/strict";
import { test } from "node:test";

import { WebSeedNeed } from "./web-seed-need.ts";

const idle = { isSupplied: false, waitingAt: undefined };

test("WebSeedNeed asks web seeds at once when no peer is known, until one gives", () => {
  const need = new WebSeedNeed({ nowMs: 0, knowsPeers: false });
  assert.equal(need.isNeeded, true);
  need.update({ ...idle, nowMs: 100 });
  assert.equal(need.isNeeded, true);
  need.update({ ...idle, nowMs: 200, isSupplied: true });
  assert.equal(need.isNeeded, false);
});

test("WebSeedNeed gives known peers a moment, and asks again when they stop giving", () => {
  const need = new WebSeedNeed({ nowMs: 0, knowsPeers: true });
  need.update({ ...idle, nowMs: 749 });
  assert.equal(need.isNeeded, false);
  need.update({ ...idle, nowMs: 750 });
  assert.equal(need.isNeeded, true);
  need.update({ ...idle, nowMs: 800, isSupplied: true });
  need.update({ ...idle, nowMs: 1500 });
  assert.equal(need.isNeeded, false);
  need.update({ ...idle, nowMs: 1550 });
  assert.equal(need.isNeeded, true);
});

test("WebSeedNeed asks for the piece of a reader that has waited too long", () => {
  const need = new WebSeedNeed({ nowMs: 0, knowsPeers: true });
  const busy = { isSupplied: true };
  need.update({ ...busy, nowMs: 0, waitingAt: 5 });
  need.update({ ...busy, nowMs: 900, waitingAt: 6 });
  need.update({ ...busy, nowMs: 3800, waitingAt: 6 });
  assert.equal(need.isReaderLate, false);
  need.update({ ...busy, nowMs: 3900, waitingAt: 6 });
  assert.deepEqual([need.isReaderLate, need.isNeeded], [true, false]);
});

test("WebSeedNeed waits half as long for each piece after one that came late, until one is in time", () => {
  const need = new WebSeedNeed({ nowMs: 0, knowsPeers: true });
  let nowMs = 0;
  /** Milliseconds that a reader has to wait for the next piece until it is late. */
  const patienceAt = (waitingAt: number) => {
    const startMs = nowMs;
    do need.update({ nowMs, isSupplied: true, waitingAt });
    while (!need.isReaderLate && (nowMs += 250));
    return nowMs - startMs;
  };
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(patienceAt), [3000, 1500, 750, 500, 250, 250]);
  for (const waitingAt of [6, 7]) need.update({ nowMs, isSupplied: true, waitingAt });
  assert.equal(patienceAt(7), 3000);
});
