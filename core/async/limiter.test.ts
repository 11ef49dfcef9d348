import assert from "node:assert/strict";
import { test } from "node:test";

import { Limiter } from "./limiter.ts";

test("Limiter runs no more than its number at once, in order", async (t) => {
  const limiter = new Limiter(2);
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<undefined>());
  const started: number[] = [];
  const runs = gates.map((gate, index) =>
    limiter.run(t.signal, async () => {
      started.push(index);
      await gate.promise;
    }),
  );
  await Promise.resolve();
  assert.deepEqual(started, [0, 1]);
  for (const gate of gates) gate.resolve(undefined);
  await Promise.all(runs);
  assert.deepEqual(started, [0, 1, 2, 3]);
});

test("Limiter lets go of who stopped waiting, and of who failed", async (t) => {
  const limiter = new Limiter(1);
  const gate = Promise.withResolvers<undefined>();
  const first = limiter.run(t.signal, () => gate.promise);
  const controller = new AbortController();
  const second = limiter.run(controller.signal, async () => assert.fail("ran"));
  controller.abort(new Error("enough"));
  await assert.rejects(second, /enough/);
  gate.reject(new Error("broken"));
  await assert.rejects(first, /broken/);
  assert.equal(await limiter.run(t.signal, async () => 7), 7);
});
