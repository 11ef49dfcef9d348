import assert from "node:assert/strict";
import { test } from "node:test";

import { KeyedLock } from "./keyed-lock.ts";

test("run() lets one at a time work on a key, in the order they came", async () => {
  const lock = new KeyedLock<string>();
  const log: string[] = [];
  const work = (name: string) => async () => {
    log.push(`${name} starts`);
    await Promise.resolve();
    log.push(`${name} ends`);
  };
  await Promise.all([lock.run("key", work("one")), lock.run("key", work("two"))]);
  assert.deepEqual(log, ["one starts", "one ends", "two starts", "two ends"]);
});

test("run() goes on after a failure, which only its own caller sees", async () => {
  const lock = new KeyedLock<string>();
  const failing = lock.run("key", () => Promise.reject(new Error("no")));
  const next = lock.run("key", () => 1);
  await assert.rejects(failing, /no/);
  assert.equal(await next, 1);
});

test("run() does not wait for other keys", async () => {
  const lock = new KeyedLock<string>();
  let finish = (): void => undefined;
  const stuck = lock.run("one", () => new Promise<void>((resolve) => (finish = resolve)));
  assert.equal(await lock.run("two", () => 2), 2);
  finish();
  await stuck;
});
