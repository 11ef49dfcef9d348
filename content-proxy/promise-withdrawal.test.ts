import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { UnavailableError } from "../core/errors.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { PromiseWithdrawal } from "./promise-withdrawal.ts";

const digest = digestOf(Buffer.from("layer"));

/** A containerd that knows the blob in two of three namespaces, and what becomes of it. */
function setUp({ whole = false } = {}) {
  const done: string[] = [];
  const known = new Set(["default", "k8s.io"]);
  const ended = Promise.withResolvers<undefined>();
  const node = {
    record: { digest, owned: true, whole } as BlobRecord | undefined,
    onDelete: (): void => undefined,
    onStop: (): void => undefined,
    onForget: (): void => undefined,
  };
  const logger = new MemoryLogger();
  const withdrawal = new PromiseWithdrawal({
    logger,
    store: { find: () => node.record },
    containerd: {
      namespaces: async () => ["default", "empty", "k8s.io"],
      info: async (_digest, { namespace }) =>
        known.has(namespace) ? { digest, labels: {} } : undefined,
      delete: async (_digest, { namespace }) => {
        done.push(`delete ${namespace}`);
        known.delete(namespace);
        node.onDelete();
      },
    },
    stop: async () => node.onStop(),
    forget: async () => {
      done.push("forget");
      node.record = undefined;
      node.onForget();
      ended.resolve(undefined);
    },
  });
  const finish = async () => {
    await ended.promise;
    await withdrawal[Symbol.asyncDispose]();
  };
  return { withdrawal, done, known, node, logger, finish };
}

test("a promise is withdrawn from all namespaces, and then from the store", async () => {
  const { withdrawal, done, finish, known } = setUp();
  withdrawal.withdraw(digest);
  withdrawal.withdraw(digest);
  await finish();
  assert.deepEqual(done, ["delete default", "delete k8s.io", "forget"]);
  assert.equal(known.size, 0);
});

test("a namespace that was told of the blob meanwhile forgets it, too", async () => {
  const { withdrawal, done, node, known } = setUp();
  const again = Promise.withResolvers<undefined>();
  node.onDelete = () => {
    if (done.length === 2) known.add("default");
    if (done.length === 4) again.resolve(undefined);
  };
  withdrawal.withdraw(digest);
  await again.promise;
  await withdrawal[Symbol.asyncDispose]();
  assert.deepEqual(done, ["delete default", "delete k8s.io", "forget", "delete default"]);
});

test("what was told of the blob meanwhile forgets it though it is here whole, as nobody's", async () => {
  const { withdrawal, done, node, known, finish } = setUp();
  node.onForget = () => {
    known.add("default");
    node.record = { digest, owned: false, whole: true } as BlobRecord;
  };
  withdrawal.withdraw(digest);
  await finish();
  assert.deepEqual(done, ["delete default", "delete k8s.io", "forget", "delete default"]);
});

test("a blob that is containerd's again, for it has come or was promised anew, stays so", async () => {
  for (const whole of [true, false]) {
    const { withdrawal, done, node, known, logger, finish } = setUp();
    node.onForget = () => {
      known.add("default");
      node.record = { digest, owned: true, whole } as BlobRecord;
    };
    withdrawal.withdraw(digest);
    await finish();
    assert.deepEqual(done, ["delete default", "delete k8s.io", "forget"]);
    assert.deepEqual(logger.lines, []);
  }
});

test("a blob that has come after all is not taken from containerd", async () => {
  const { withdrawal, done } = setUp({ whole: true });
  withdrawal.withdraw(digest);
  await withdrawal[Symbol.asyncDispose]();
  assert.deepEqual(done, []);
});

test("a download that ends whole while it is stopped keeps its promise", async () => {
  for (const wholeAtStop of [1, 2]) {
    const { withdrawal, done, node } = setUp();
    const stopped = Promise.withResolvers<undefined>();
    let stops = 0;
    node.onStop = () => {
      if (++stops < wholeAtStop) return;
      node.record = { digest, owned: true, whole: true } as BlobRecord;
      stopped.resolve(undefined);
    };
    withdrawal.withdraw(digest);
    await stopped.promise;
    await withdrawal[Symbol.asyncDispose]();
    assert.equal(done.includes("forget"), false);
    if (wholeAtStop === 1) assert.deepEqual(done, []);
  }
});

test("a promise stands while containerd cannot be told", async () => {
  const { withdrawal, done, node } = setUp();
  const told = Promise.withResolvers<undefined>();
  node.onDelete = () => {
    told.resolve(undefined);
    throw new UnavailableError("Cannot ask containerd");
  };
  withdrawal.withdraw(digest);
  await told.promise;
  await withdrawal[Symbol.asyncDispose]();
  assert.deepEqual(done, ["delete default"]);
  assert.equal(node.record?.owned, true);
});
