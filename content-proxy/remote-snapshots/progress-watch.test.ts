import assert from "node:assert/strict";
import { test } from "node:test";

import { whileProgressing } from "./progress-watch.ts";

const never = new Promise<string>(() => undefined);

test("whileProgressing() gives what came", async (t) => {
  const limits = { progress: () => 0, timeoutMs: 60_000, limitMs: 60_000 };
  assert.equal(
    await whileProgressing(Promise.resolve("done"), { ...limits, signal: t.signal }),
    "done",
  );
});

test("whileProgressing() ends when nothing moves on", async ({ signal }) => {
  const limits = { progress: () => 0, timeoutMs: 1, limitMs: 60_000 };
  assert.equal(await whileProgressing(never, { ...limits, signal }), undefined);
});

test("whileProgressing() ends at its limit, also when something moves on for ever", async ({
  signal,
}) => {
  let steps = 0;
  const limits = { progress: () => ++steps, timeoutMs: 1, limitMs: 10 };
  assert.equal(await whileProgressing(never, { ...limits, signal }), undefined);
});
