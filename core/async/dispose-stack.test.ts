import assert from "node:assert/strict";
import { test } from "node:test";

import { DisposeStack, withDisposeStack } from "./dispose-stack.ts";

test("DisposeStack disposes in reverse order, once, and past failures", async () => {
  const order: number[] = [];
  const stack = new DisposeStack();
  stack.use({ [Symbol.dispose]: () => order.push(1) });
  stack.defer(() => Promise.reject(new Error("two")));
  stack.use({ [Symbol.asyncDispose]: async () => void order.push(3) });
  await assert.rejects(stack[Symbol.asyncDispose](), /two/);
  await stack[Symbol.asyncDispose]();
  assert.deepEqual(order, [3, 1]);
});

test("DisposeStack.move() leaves nothing behind", async () => {
  let disposed = 0;
  const stack = new DisposeStack();
  stack.defer(() => disposed++);
  const moved = stack.move();
  await stack[Symbol.asyncDispose]();
  assert.equal(disposed, 0);
  await moved[Symbol.asyncDispose]();
  assert.equal(disposed, 1);
});

test("withDisposeStack() cleans up and throws what the body threw", async () => {
  let disposed = false;
  const body = withDisposeStack(async (stack) => {
    stack.defer(() => (disposed = true));
    throw new Error("body");
  });
  await assert.rejects(body, /body/);
  assert.ok(disposed);
});
