import assert from "node:assert/strict";
import { test } from "node:test";

import { cleanUpOf } from "./clean-up.ts";

test("what a test took over last ends first, whoever took it over", async (t) => {
  const ended: string[] = [];
  await t.test("a test with a folder, a daemon in it and a client of that", (inner) => {
    cleanUpOf(inner).defer(() => ended.push("folder"));
    cleanUpOf(inner).use({ [Symbol.asyncDispose]: async () => void ended.push("daemon") });
    cleanUpOf(inner).use({ [Symbol.dispose]: () => void ended.push("client") });
    assert.deepEqual(ended, []);
  });
  assert.deepEqual(ended, ["client", "daemon", "folder"]);
});

test("a test inside another one cleans up its own things alone", async (t) => {
  const ended: string[] = [];
  cleanUpOf(t).defer(() => ended.push("outer"));
  await t.test("inner", (inner) => {
    cleanUpOf(inner).defer(() => ended.push("inner"));
  });
  assert.deepEqual(ended, ["inner"]);
});

test("a step that fails fails the test, and keeps no other from running", async () => {
  const hooks: (() => unknown)[] = [];
  const t = { after: (hook: () => unknown) => void hooks.push(hook) };
  let isDisposed = false;
  cleanUpOf(t).defer(() => (isDisposed = true));
  cleanUpOf(t).defer(() => assert.fail("not empty"));
  assert.equal(hooks.length, 1);
  await assert.rejects(async () => hooks[0]?.(), /not empty/);
  assert.ok(isDisposed);
});
