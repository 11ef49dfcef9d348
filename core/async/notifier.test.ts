import assert from "node:assert/strict";
import { test } from "node:test";

import { Notifier } from "./notifier.ts";

test("Notifier wakes all who wait, and only for what comes after", async () => {
  const notifier = new Notifier();
  const { signal } = new AbortController();
  notifier.notify();
  let woken = 0;
  const waits = [1, 2].map(() => notifier.changed(signal).then(() => woken++));
  await Promise.resolve();
  assert.equal(woken, 0);
  notifier.notify();
  await Promise.all(waits);
  assert.equal(woken, 2);
});

test("Notifier.changed() can be cancelled", async () => {
  const controller = new AbortController();
  const wait = new Notifier().changed(controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(wait, /enough/);
});
