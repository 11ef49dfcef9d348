import assert from "node:assert/strict";
import { test } from "node:test";

import { type Neighbour, Neighbourhood } from "./neighbourhood.ts";

const near: Neighbour = { whole: false };
const far: Neighbour = { whole: false, isFar: true };
const farSeeder: Neighbour = { whole: true, isFar: true };
const isStarving = false;

function neighbourhood(random = () => 0.5): Neighbourhood {
  return new Neighbourhood({ pieceCount: 2, random });
}

test("a piece that a near node has, or will have, need not come from afar", () => {
  const others = neighbourhood();
  assert.equal(others.hasNear, false);
  others.copies.addHolder(far);
  others.copies.add(0, far);
  assert.deepEqual([others.hasNear, others.isNearby(0)], [false, false]);
  others.copies.addHolder(near);
  others.copies.addComing(0, near);
  assert.deepEqual([others.hasNear, others.isNearby(0), others.isNearby(1)], [true, true, false]);
  others.isNearSlow = true;
  assert.deepEqual([others.hasNear, others.isNearby(0)], [false, false]);
});

test("a near peer that has all keeps every piece nearby while it gives", () => {
  const others = neighbourhood();
  others.addWhole({ whole: true });
  assert.equal(others.isNearby(1), false);
  const seeder = { whole: true, isNear: true, stalled: false };
  others.addWhole(seeder);
  assert.equal(others.isNearby(1), true);
  seeder.stalled = true;
  assert.deepEqual([others.isNearby(1), others.hasNear], [false, true]);
  others.removeWhole(seeder);
  assert.equal(others.hasNear, false);
});

test("what is nearby is taken from afar when we starve and it is our turn, and when near peers are slow", () => {
  let chance = 0.9;
  const others = neighbourhood(() => chance);
  others.copies.addHolder(near);
  assert.equal(others.mayCross(near, { isStarving }), true);
  assert.equal(others.mayCross(far, { isStarving }), false);
  assert.equal(others.mayCross(far, { isStarving: true }), false, "one of two is another's turn");
  chance = 0.4;
  assert.equal(others.mayCross(far, { isStarving: true }), true);
  others.isNearSlow = true;
  assert.equal(others.mayCross(far, { isStarving }), true);
});

test("who has all and is far is asked by everybody, and any other peer by those who are near", () => {
  const others = neighbourhood();
  for (const holder of [near, far, far]) others.copies.addHolder(holder);
  const askers = (peer: Neighbour) => others.askers(peer);
  assert.deepEqual([farSeeder, far, near, { whole: true }].map(askers), [3, 1, 1, 1]);
  others.copies.add(0, far);
  assert.deepEqual([others.rivals(0, farSeeder), others.rivals(0, near)], [1, 0]);
});

test("what a peer with all pieces has just given is a copy, if there is anybody to have it", () => {
  const others = neighbourhood();
  const seeder: Neighbour = { whole: true, given: { has: (index) => index === 0 } };
  assert.equal(others.rivals(0, seeder), 0, "nobody else is here");
  others.copies.addHolder(near);
  assert.deepEqual([others.rivals(0, seeder), others.rivals(1, seeder)], [1, 0]);
  assert.equal(others.rivals(0, { whole: true }), 0, "another seeder did not give it");
});
