import assert from "node:assert/strict";
import { test } from "node:test";

import { Timeline } from "./timeline.ts";
import { type Outflow, Uplink } from "./uplink.ts";

/** A connection that owes so many blocks of 100 bytes, and notes when each has left. */
function flowOf(blocks: number): Outflow & { readonly leftMs: number[] } {
  let owed = blocks;
  const leftMs: number[] = [];
  return {
    ...{ isInTurn: false, leftMs },
    next: () => (owed-- > 0 ? 100 : 0),
    sent: (_, endMs) => leftMs.push(endMs),
  };
}

test("connections share a link block by block, and what one leaves is the other's", () => {
  const timeline = new Timeline();
  const uplink = new Uplink(timeline, 10);
  const [short, long] = [flowOf(2), flowOf(4)];
  uplink.wake(short);
  uplink.wake(long);
  uplink.wake(long);
  timeline.run({ untilMs: 1000, isOver: () => long.leftMs.length === 4 });
  assert.deepEqual(short.leftMs, [10, 30]);
  assert.deepEqual(long.leftMs, [20, 40, 50, 60]);
  assert.equal(uplink.bytes, 600);
  assert.deepEqual([short.isInTurn, long.isInTurn], [false, false]);
});

test("a link serves on who wakes it after a pause", () => {
  const timeline = new Timeline();
  const uplink = new Uplink(timeline, 10);
  const flow = flowOf(1);
  timeline.at(50, { happen: () => uplink.wake(flow) });
  timeline.run({ untilMs: 1000, isOver: () => flow.leftMs.length === 1 });
  assert.deepEqual(flow.leftMs, [60]);
});
