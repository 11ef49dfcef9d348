import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";

import { DialSlots } from "./dial-slots.ts";

const ignore = () => undefined;
const peer = { host: "10.0.0.1", port: 1 };
const other = { host: "10.0.0.1", port: 2 };
const awaited = { held: 0, isAhead: false };
const ahead = { held: 0, isAhead: true };

function takeAll(slots: DialSlots, address: typeof peer, dialler: typeof awaited): number {
  let count = 0;
  while (count < 10_000 && slots.take(address, dialler)) count++;
  return count;
}

test("all downloads together open fewer connections to a peer than it takes", () => {
  const slots = new DialSlots({ connectionsMax: 1000, connectionsPerHostMax: 128, onFree: ignore });
  assert.equal(takeAll(slots, peer, awaited), 120);
  assert.equal(takeAll(slots, other, awaited), 120);
  slots.giveBack(peer);
  assert.equal(slots.take(other, awaited), false);
  assert.equal(slots.take(peer, awaited), true);
});

test("downloads that nobody waits for leave places to those that somebody waits for", () => {
  const slots = new DialSlots({ connectionsMax: 1000, connectionsPerHostMax: 128, onFree: ignore });
  assert.equal(takeAll(slots, peer, ahead), 60);
  assert.equal(takeAll(slots, peer, awaited), 60);
});

test("over all peers there is a bound, beyond which each download has a few connections", () => {
  const slots = new DialSlots({ connectionsMax: 40, connectionsPerHostMax: 128, onFree: ignore });
  assert.equal(takeAll(slots, peer, { ...awaited, held: 4 }), 30);
  assert.equal(slots.take(other, { ...awaited, held: 4 }), false);
  assert.equal(slots.take(other, { ...awaited, held: 3 }), true);
});

test("however little is taken, each peer may be dialled once", () => {
  const slots = new DialSlots({ connectionsMax: 2, connectionsPerHostMax: 1, onFree: ignore });
  assert.equal(takeAll(slots, peer, ahead), 1);
  slots.giveBack(peer);
  assert.equal(takeAll(slots, peer, ahead), 1);
});

test("who was refused is told that there is a place again, after others had their turn", async () => {
  let calls = 0;
  const slots = new DialSlots({
    ...{ connectionsMax: 100, connectionsPerHostMax: 1 },
    onFree: () => calls++,
  });
  slots.take(peer, awaited);
  slots.giveBack(peer);
  slots.take(peer, awaited);
  assert.equal(slots.take(peer, awaited), false);
  slots.giveBack(peer);
  assert.equal(calls, 0);
  await setImmediate();
  assert.equal(calls, 1);
});
