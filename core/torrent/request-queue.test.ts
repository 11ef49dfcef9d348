import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../errors.ts";
import { RequestQueue } from "./request-queue.ts";

function queueWith(...pieces: [index: number, length: number][]): RequestQueue {
  const queue = new RequestQueue();
  for (const [index, length] of pieces) {
    queue.assign({ index, buffer: Buffer.alloc(length) }, 0);
    while (queue.nextBlock(100));
  }
  return queue;
}

test("RequestQueue asks for a piece from its start, in blocks of any length", () => {
  const queue = new RequestQueue();
  queue.assign({ index: 4, buffer: Buffer.alloc(250) }, 0);
  assert.deepEqual(queue.nextBlock(100), { index: 4, begin: 0, length: 100 });
  assert.deepEqual(queue.nextBlock(120), { index: 4, begin: 100, length: 120 });
  assert.deepEqual(queue.nextBlock(100), { index: 4, begin: 220, length: 30 });
  assert.equal(queue.nextBlock(100), undefined);
  assert.equal(queue.outstanding, 250);
});

test("RequestQueue matches answers in order and tells when a piece is complete", () => {
  const queue = queueWith([1, 150], [2, 50]);
  assert.equal(queue.bytesUntil(2), 200);
  const blocks = [
    { index: 1, begin: 0, length: 100 },
    { index: 1, begin: 100, length: 50 },
    { index: 2, begin: 0, length: 50 },
  ];
  const complete = blocks.map((block) => {
    assert.equal(queue.startBlock(block)?.byteLength, block.length);
    return queue.endBlock(block)?.index;
  });
  assert.deepEqual(complete, [undefined, 1, 2]);
  assert.equal(queue.outstanding, 0);
});

test("RequestQueue refuses answers that were not asked for", () => {
  const queue = queueWith([1, 150]);
  for (const block of [
    { index: 2, begin: 0, length: 100 },
    { index: 1, begin: 100, length: 50 },
    { index: 1, begin: 0, length: 99 },
    { index: 1, begin: 0, length: 0 },
  ]) {
    assert.throws(() => queue.startBlock(block), InvalidArgumentError);
  }
});

test("RequestQueue drops answers of a cancelled piece, and not more than were asked for", () => {
  const queue = queueWith([1, 150], [2, 50]);
  const { buffer, blocks } = queue.cancel(1);
  assert.equal(buffer?.length, 150);
  assert.deepEqual(blocks, [
    { index: 1, begin: 0, length: 100 },
    { index: 1, begin: 100, length: 50 },
  ]);
  assert.equal(queue.outstanding, 50);
  assert.equal(queue.mayAssign(1), false);
  assert.throws(() => queue.startBlock({ index: 1, begin: 0, length: 0 }), InvalidArgumentError);
  assert.equal(queue.startBlock({ index: 1, begin: 0, length: 100 }), undefined);
  assert.throws(() => queue.startBlock({ index: 1, begin: 0, length: 100 }), InvalidArgumentError);
});

test("RequestQueue may ask for a cancelled piece again once a later request is answered", () => {
  const queue = queueWith([1, 100]);
  queue.cancel(1);
  queue.assign({ index: 2, buffer: Buffer.alloc(10) }, 0);
  queue.nextBlock(100);
  queue.startBlock({ index: 2, begin: 0, length: 10 });
  assert.equal(queue.mayAssign(1), true);
});

test("RequestQueue tells for how long a piece has not begun to come", () => {
  const queue = new RequestQueue();
  queue.assign({ index: 2, buffer: Buffer.alloc(20) }, 1000);
  const block = queue.nextBlock(10);
  assert.ok(block);
  assert.deepEqual([queue.waitedMs(2, 1500), queue.waitedMs(3, 1500)], [500, undefined]);
  queue.startBlock(block);
  assert.equal(queue.waitedMs(2, 1500), undefined);
});
