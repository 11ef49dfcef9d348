import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "../errors.ts";
import { seededRandom } from "../testing/seeded-random.ts";
import { RequestQueue } from "./request-queue.ts";
import type { Block } from "./wire-message.ts";

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
  assert.equal(queue.mayAssign(1), true);
  assert.throws(() => queue.startBlock({ index: 1, begin: 0, length: 0 }), InvalidArgumentError);
  assert.equal(queue.startBlock({ index: 1, begin: 0, length: 100 }), undefined);
  assert.throws(() => queue.startBlock({ index: 1, begin: 0, length: 100 }), InvalidArgumentError);
});

test("RequestQueue refuses blocks of a cancelled piece once a later request was answered", () => {
  const queue = queueWith([1, 100]);
  queue.cancel(1);
  queue.assign({ index: 2, buffer: Buffer.alloc(10) }, 0);
  queue.nextBlock(100);
  queue.startBlock({ index: 2, begin: 0, length: 10 });
  assert.throws(() => queue.startBlock({ index: 1, begin: 0, length: 100 }), InvalidArgumentError);
});

test("RequestQueue does not take the rest of a block for one that was asked for anew", () => {
  const queue = queueWith([1, 100]);
  const block = { index: 1, begin: 0, length: 100 };
  queue.startBlock(block);
  queue.cancel(1);
  queue.assign({ index: 1, buffer: Buffer.alloc(100) }, 0);
  queue.nextBlock(100);
  assert.equal(queue.endBlock(block), undefined);
  assert.equal(queue.outstanding, 100);
  assert.ok(queue.startBlock(block));
  assert.ok(queue.endBlock(block));
});

/** What a peer sends that answers in order, and may be past a request when its cancel comes. */
class Answers {
  readonly #requests: Block[] = [];
  readonly sent: Block[] = [];

  ask(block: Block): void {
    this.#requests.push(block);
  }

  /** Sends so many blocks off, which are on their way then. */
  send(count: number): void {
    this.sent.push(...this.#requests.splice(0, count));
  }

  drop(blocks: readonly Block[]): void {
    for (const { index, begin } of blocks) {
      const at = this.#requests.findIndex((each) => each.index === index && each.begin === begin);
      if (at >= 0) this.#requests.splice(at, 1);
    }
  }
}

test("RequestQueue gets every piece whole, however often pieces are cancelled and asked for anew", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const below = (end: number) => Math.floor(random() * end);
    const queue = new RequestQueue();
    const peer = new Answers();
    const whole = new Set<number>();
    for (let step = 0; whole.size < 6; step++) {
      assert.ok(step < 10_000, `seed ${seed}: pieces are missing`);
      const index = below(6);
      const deed = below(4);
      if (deed <= 1) {
        const block = queue.nextBlock(8 + 8 * below(4));
        if (block) peer.ask(block);
        else if (!whole.has(index) && queue.mayAssign(index)) {
          queue.assign({ index, buffer: Buffer.alloc(64) }, 0);
        }
      } else if (deed === 2 && below(3) === 0 && step < 500) {
        peer.drop(queue.cancel(index).blocks);
      } else if (deed === 2) {
        peer.send(1 + below(3));
      } else {
        const block = peer.sent.shift();
        if (!block) continue;
        queue.startBlock(block)?.fill(block.index + 1);
        const done = queue.endBlock(block);
        if (!done) continue;
        assert.deepEqual(done.buffer, Buffer.alloc(64, done.index + 1), `seed ${seed}`);
        whole.add(done.index);
      }
    }
    assert.equal(queue.outstanding, 0, `seed ${seed}`);
  }
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
