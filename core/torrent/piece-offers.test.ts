import assert from "node:assert/strict";
import { test } from "node:test";

import { simulateGrowingCrowd } from "./growing-crowd.test-support.ts";
import { PieceOffers } from "./piece-offers.ts";
import { randomOf } from "./random.test-support.ts";

/** Offers of 100 pieces to peers that note what they are told, and a clock. */
function bench(peerCount: number) {
  let nowMs = 0;
  const offers = new PieceOffers({ pieceCount: 100, now: () => nowMs });
  const peers = Array.from({ length: peerCount }, () => {
    const told: number[] = [];
    return { told, onHave: (index: number) => void told.push(index) };
  });
  for (const peer of peers) offers.join(peer);
  const grow = (count: number, start = 0) => {
    for (let index = start; index < start + count; index++) offers.gained(index);
  };
  const pass = (ms: number) => {
    nowMs += ms;
    offers.tick();
  };
  return { offers, peers, grow, pass, told: () => peers.map(({ told }) => told) };
}

test("PieceOffers tells each peer of other pieces, in turn", () => {
  const { grow, told } = bench(3);
  grow(6);
  assert.deepEqual(told(), [
    [0, 3],
    [1, 4],
    [2, 5],
  ]);
});

test("PieceOffers tells a peer of more once it has asked, so that slow ones take fewer", () => {
  const { offers, peers, grow, told } = bench(2);
  grow(20);
  assert.deepEqual(told(), [
    [0, 2, 4, 6],
    [1, 3, 5, 7],
  ]);
  const [fast] = peers;
  assert.ok(fast);
  offers.asked(fast, 0, { isLast: false });
  assert.equal(fast.told.length, 4);
  for (const index of [0, 2, 4]) offers.asked(fast, index, { isLast: true });
  assert.deepEqual(told(), [
    [0, 2, 4, 6, 8, 9, 10],
    [1, 3, 5, 7],
  ]);
});

test("PieceOffers tells all of a piece a while after one has taken it", () => {
  const { offers, peers, grow, pass, told } = bench(3);
  grow(1);
  assert.ok(peers[0]);
  offers.asked(peers[0], 0, { isLast: true });
  pass(1999);
  assert.deepEqual(told(), [[0], [], []]);
  assert.equal(offers.told.has(0), false);
  pass(1);
  assert.deepEqual(told(), [[0], [0], [0]]);
  assert.ok(offers.told.has(0));
});

test("PieceOffers offers a piece to others that a peer does not take up, and then to all", () => {
  const { grow, pass, told } = bench(4);
  grow(1);
  pass(2000);
  pass(2000);
  assert.deepEqual(told(), [[0], [0], [0], []]);
  pass(2000);
  assert.ok(told().every((pieces) => pieces.includes(0)));
});

test("PieceOffers gives a peer that is busy more time, but not for ever", () => {
  const { offers, peers, grow, pass } = bench(2);
  grow(3);
  assert.ok(peers[0] && peers[1]);
  for (let seconds = 0; seconds < 9; seconds++) {
    offers.asked(peers[0], 0, { isLast: false });
    pass(1000);
  }
  assert.equal(peers[1].told.includes(2), false);
  offers.asked(peers[0], 0, { isLast: false });
  pass(1000);
  assert.ok(peers[1].told.includes(2));
});

test("PieceOffers offers to others what a peer was told of that has left", () => {
  const { offers, peers, grow, told } = bench(2);
  grow(2);
  assert.ok(peers[0]);
  offers.asked(peers[0], 0, { isLast: true });
  offers.leave(peers[0]);
  offers.leave(peers[0]);
  assert.deepEqual(told(), [[0], [1, 0]]);
});

test("PieceOffers tells a single peer of all that there is", () => {
  const { grow, told } = bench(1);
  grow(50);
  assert.equal(told()[0]?.length, 50);
});

test("PieceOffers keeps what it has for the first who comes", () => {
  const { offers, grow } = bench(0);
  grow(3);
  const told: number[] = [];
  offers.join({ onHave: (index) => void told.push(index) });
  assert.deepEqual(told, [0, 1, 2]);
});

test("PieceOffers comes to an end with peers that have all pieces already", () => {
  const { offers, grow, pass } = bench(3);
  grow(100);
  let seconds = 0;
  for (; offers.told.held < 100 && seconds < 60; seconds++) pass(1000);
  assert.ok(offers.told.isFull);
  assert.ok(seconds < 25, `${seconds} s`);
});

for (const originRate of [0.5, 1, 10]) {
  test(`a growing crowd of 8 takes one copy, from an origin of ${originRate} times the link`, () => {
    const crowd = simulateGrowingCrowd({
      ...{ nodes: 8, pieces: 128, originRate, pieceMs: 84, random: randomOf(3) },
    });
    assert.ok(crowd.copies <= 1.05, `${crowd.copies} copies from the seeder`);
    assert.ok(crowd.last < 1.15, `the last is done after ${crowd.last} of the ideal time`);
  });
}
