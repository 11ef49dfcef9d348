import assert from "node:assert/strict";
import { test } from "node:test";

import { Bitfield } from "./bitfield.ts";
import { simulateCrowd } from "./crowd.test-support.ts";
import { PiecePicker, type PickingPeer } from "./piece-picker.ts";
import { randomOf } from "./random.test-support.ts";

const seeder: PickingPeer = { whole: true, has: () => true };

function pickerOf(pieceCount: number, seed = 1): PiecePicker {
  return new PiecePicker({ pieceCount, random: randomOf(seed) });
}

function nodeWith(...pieces: number[]): PickingPeer {
  return { whole: false, has: (index) => pieces.includes(index) };
}

test("PiecePicker picks every piece once", () => {
  const picker = pickerOf(100);
  const picked = new Set(Array.from({ length: 100 }, () => picker.pick(seeder)));
  assert.equal(picked.size, 100);
  assert.equal(picker.pick(seeder), undefined);
  assert.equal(picker.pending.size, 100);
});

test("PiecePicker picks only what a peer has, however little that is", () => {
  const picker = pickerOf(5000);
  assert.equal(picker.pick(nodeWith(4321)), 4321);
  assert.equal(picker.pick(nodeWith(4321)), undefined);
});

test("PiecePicker takes the rarest of what it looks at", () => {
  const picker = pickerOf(10);
  for (let index = 0; index < 10; index++) if (index !== 6) picker.addHave(index);
  assert.equal(picker.pick(nodeWith(1, 2, 6, 8)), 6);
});

test("PiecePicker counts what is on its way to others as a copy", () => {
  const picker = pickerOf(2);
  picker.addPartialPeer();
  picker.addIntent(0);
  assert.equal(picker.pick(seeder), 1);
  picker.removeIntent(0);
  assert.equal(picker.pick(seeder), 0);
});

test("PiecePicker serves readers first, in order", () => {
  const picker = pickerOf(100);
  picker.addReader(1, 40);
  assert.deepEqual(
    [1, 2, 3, 4].map(() => picker.pick(seeder)),
    [40, 41, 42, 43],
  );
  picker.done(40);
  assert.equal(picker.firstWaiting(), 41);
  assert.equal(picker.pick(seeder), 44);
  picker.removeReader(1);
  assert.equal(picker.firstWaiting(), undefined);
});

test("PiecePicker takes what a reader waits for in its order while there is no crowd", () => {
  const picker = pickerOf(100);
  picker.addReader(1, 40);
  const picked = Array.from({ length: 16 }, () => picker.pick(seeder));
  assert.deepEqual(
    picked,
    Array.from({ length: 16 }, (_, step) => 40 + step),
  );
});

test("PiecePicker lets a reader's window grow over pieces that nodes have", () => {
  const picker = pickerOf(100);
  picker.addPartialPeer();
  for (let index = 0; index < 12; index++) picker.addHave(index);
  picker.addReader(1, 0);
  const node: PickingPeer = { whole: false, has: () => true };
  const picked = Array.from({ length: 12 }, () => picker.pick(node));
  assert.deepEqual(
    picked,
    Array.from({ length: 12 }, (_, index) => index),
  );
});

test("PiecePicker gives a piece again that was put back, and none that is done", () => {
  const picker = pickerOf(1);
  assert.equal(picker.pick(seeder), 0);
  picker.putBack(0);
  assert.equal(picker.pick(seeder), 0);
  picker.done(0);
  picker.putBack(0);
  assert.equal(picker.pick(seeder), undefined);
  assert.equal(picker.isMissing(0), false);
});

test("PiecePicker offers pending pieces to idle sources, a reader's first", () => {
  const picker = pickerOf(8);
  for (let count = 0; count < 8; count++) picker.pick(seeder);
  picker.addReader(1, 5);
  assert.equal(
    picker.pickPending(seeder, () => true),
    5,
  );
  assert.equal(
    picker.pickPending(seeder, (index) => index === 2),
    2,
  );
  assert.equal(
    picker.pickPending(nodeWith(), () => true),
    undefined,
  );
});

test("PiecePicker forgets what a node had when it leaves", () => {
  const picker = pickerOf(3);
  const had = new Bitfield(3);
  picker.addPartialPeer();
  for (const index of [0, 2]) {
    had.add(index);
    picker.addHave(index);
  }
  picker.removePartialPeer(had);
  picker.addHave(1);
  assert.notEqual(picker.pick(seeder), 1);
});

test("PiecePicker of a growing blob picks what was admitted, and was not here before", () => {
  const picker = new PiecePicker({ pieceCount: 10, random: randomOf(1), isGrowing: true });
  picker.addReader(1, 0);
  assert.deepEqual([picker.pick(seeder), picker.firstWaiting()], [undefined, undefined]);
  const here = new Bitfield(10);
  here.add(1);
  picker.admit(3, here);
  assert.deepEqual(
    [picker.pick(seeder), picker.pick(seeder), picker.pick(seeder)],
    [0, 2, undefined],
  );
  assert.equal(picker.isWanting, true);
  for (const index of [0, 2]) picker.done(index);
  assert.deepEqual([picker.isWanting, picker.firstWaiting()], [false, undefined]);
  picker.admit(10, here);
  assert.equal(picker.firstWaiting(), 3);
});

test("PiecePicker of a growing blob takes no second copy from the seeder, unless it starves", () => {
  const picker = new PiecePicker({ pieceCount: 4, random: randomOf(1), isGrowing: true });
  picker.admit(2, new Bitfield(4));
  picker.addPartialPeer();
  picker.addIntent(0);
  picker.addHave(1);
  assert.equal(picker.pick(seeder), undefined);
  assert.equal(picker.pick(nodeWith(1)), 1);
  assert.equal(picker.pick(seeder), undefined);
  picker.isStarving = true;
  assert.equal(picker.pick(seeder), 0);
});

for (const readers of [false, true]) {
  test(`a crowd of 8 takes little more than one copy, ${readers ? "reading" : "not reading"}`, () => {
    const crowd = simulateCrowd({ nodes: 8, pieces: 128, readers, random: randomOf(3) });
    assert.ok(crowd.copies < 1.1, `${crowd.copies} copies from the seeder`);
    assert.ok(crowd.last < 1.15, `the last is done after ${crowd.last} of the ideal time`);
  });
}
