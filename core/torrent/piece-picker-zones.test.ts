import assert from "node:assert/strict";
import { test } from "node:test";

import { Bitfield } from "./bitfield.ts";
import { PiecePicker, type PickingPeer } from "./piece-picker.ts";
import { randomOf } from "./random.test-support.ts";
import { simulateZones } from "./zoned-crowd.test-support.ts";

const farSeeder: PickingPeer = { whole: true, isFar: true, has: () => true };
const farNode: PickingPeer = { whole: false, isFar: true, has: () => true };
const nearNode: PickingPeer = { whole: false, has: () => true };
const nearSeeder: PickingPeer = { whole: true, isNear: true, has: () => true };

function pickerOf(pieceCount: number, isGrowing = false): PiecePicker {
  return new PiecePicker({ pieceCount, random: randomOf(1), isGrowing });
}

for (const far of [farSeeder, farNode]) {
  const name = far.whole ? "seeder" : "node";

  test(`PiecePicker takes from a far ${name} only what no near node has or will have soon`, () => {
    const picker = pickerOf(3);
    picker.addPartialPeer(nearNode);
    picker.addHave(0, nearNode);
    picker.addIntent(1, nearNode);
    assert.equal(picker.pick(far), 2);
    for (let turn = 0; turn < 100; turn++) assert.equal(picker.pick(far), undefined);
    picker.done(2);
    for (let turn = 0; turn < 100; turn++) assert.equal(picker.pick(far), undefined);
    picker.removeIntent(1, nearNode);
    assert.equal(picker.pick(far), 1);
    assert.equal(picker.pick(nearNode), 0);
  });

  test(`PiecePicker takes from a far ${name} what is near as well when it starves`, () => {
    const picker = pickerOf(1);
    picker.addPartialPeer(nearNode);
    picker.addHave(0, nearNode);
    picker.isStarving = true;
    const turns = Array.from({ length: 100 }, () => picker.pick(far));
    assert.deepEqual(
      turns.filter((index) => index !== undefined),
      [0],
    );
  });

  test(`PiecePicker takes nothing from a far ${name} while a near one has all and gives`, () => {
    const picker = pickerOf(2);
    const whole = { ...nearSeeder, stalled: false };
    picker.addWholePeer(whole);
    assert.equal(picker.pick(far), undefined);
    whole.stalled = true;
    assert.notEqual(picker.pick(far), undefined);
    whole.stalled = false;
    picker.removeWholePeer(whole);
    assert.notEqual(picker.pick(far), undefined);
  });

  test(`PiecePicker asks a far ${name} for all while there is no near one`, () => {
    const picker = pickerOf(10);
    picker.addPartialPeer(farNode);
    for (let index = 0; index < 10; index++) picker.addHave(index, farNode);
    const pick = () => Array.from({ length: 200 }, () => picker.pick(far));
    assert.equal(pick().filter((index) => index !== undefined).length, 10);
  });
}

test("PiecePicker takes from far peers like from near ones while those are too slow", () => {
  const picker = pickerOf(2);
  picker.addWholePeer(nearSeeder);
  assert.equal(picker.pick(farSeeder), undefined);
  picker.isNearSlow = true;
  assert.notEqual(picker.pick(farSeeder), undefined);
  assert.equal(picker.hasNearPeers, false);
  picker.isNearSlow = false;
  assert.equal(picker.pick(farSeeder), undefined);
});

test("PiecePicker does not take a peer that tells no place for a near one that has all", () => {
  const picker = pickerOf(1);
  picker.addWholePeer({ whole: true, has: () => true });
  assert.equal(picker.pick(farSeeder), 0);
});

test("PiecePicker takes other pieces over a border than nodes elsewhere do", () => {
  const picker = pickerOf(4);
  picker.addPartialPeer(nearNode);
  picker.addPartialPeer(farNode);
  for (const index of [0, 1, 3]) picker.addIntent(index, farNode);
  assert.equal(picker.pick(farSeeder), 2);
});

test("PiecePicker asks a near seeder for what only far nodes have", () => {
  const picker = pickerOf(1);
  for (const node of [nearNode, farNode]) picker.addPartialPeer(node);
  picker.addHave(0, farNode);
  assert.equal(picker.pick(nearSeeder), 0);
});

test("PiecePicker forgets the copies of a near node that leaves", () => {
  const picker = pickerOf(1);
  const had = new Bitfield(1);
  for (let count = 0; count < 2; count++) picker.addPartialPeer(nearNode);
  picker.addHave(0, nearNode);
  had.add(0);
  assert.equal(picker.pick(farNode), undefined);
  picker.removePartialPeer(had, nearNode);
  assert.equal(picker.pick(farNode), 0);
});

test("PiecePicker of a growing blob takes a piece over a border once for its zone", () => {
  const picker = pickerOf(2, true);
  picker.admit(2, new Bitfield(2));
  for (const node of [nearNode, farNode]) picker.addPartialPeer(node);
  picker.addHave(0, farNode);
  picker.addIntent(1, nearNode);
  picker.addHave(1, farNode);
  assert.equal(picker.pick(farNode), 0);
  assert.equal(picker.pick(farNode), undefined);
});

test("PiecePicker gets pieces of a growing blob from afar though its seeder is near", () => {
  const picker = pickerOf(1, true);
  picker.admit(1, new Bitfield(1));
  for (const node of [nearNode, farNode]) picker.addPartialPeer(node);
  picker.addWholePeer({ ...nearSeeder, has: () => false });
  picker.addHave(0, farNode);
  assert.equal(picker.pick(farNode), 0);
});

for (const readers of [false, true]) {
  const how = readers ? "reading" : "not reading";
  test(`each piece crosses a border about once, for nodes ${how}`, () => {
    const zones = { zones: 3, nodesPerZone: 4, pieces: 48, borderRate: 0.5 } as const;
    const { crossed, last } = simulateZones({
      ...{ ...zones, isKnown: true, readers, random: randomOf(3) },
    });
    assert.equal(crossed[0], 0);
    for (const copies of crossed) assert.ok(copies < 1.2, `${crossed.join(", ")} copies`);
    assert.ok(last < 2.2, `the last is done after ${last} of the time for one copy`);
  });
}
