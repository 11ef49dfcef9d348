import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { type Supply, SupplyWatch } from "./supply-watch.ts";

const { metainfo } = blobFixture(1000);
const growing = { ...metainfo, pieceHashes: undefined };
const stallBoundMs = 10_000;

/** A download of a growing torrent that is connected, and misses nothing that may be fetched. */
const idle: Supply = {
  ...{ nowMs: 0, suppliers: 0, connected: 1, isWanting: false, isFetching: false },
  ...{ waitingAt: undefined, swarmGaveAtMs: -Infinity },
};
const hungry = { ...idle, isWanting: true };

function watchOf(options: { readonly hasOrigin?: boolean } = {}): SupplyWatch {
  const { hasOrigin = false } = options;
  return new SupplyWatch({
    ...{ torrent: growing, stallBoundMs, hasOrigin, knowsPeers: true, nowMs: 0 },
  });
}

test("SupplyWatch asks no web seed while a growing blob has nothing new", () => {
  const watch = watchOf();
  for (let nowMs = 0; nowMs <= stallBoundMs; nowMs += 250) watch.update({ ...idle, nowMs });
  assert.deepEqual([watch.webSeedNeed.isNeeded, watch.isStarving], [false, false]);
});

test("SupplyWatch lets pieces of a growing blob come by others for a while, until it is starving", () => {
  const watch = watchOf();
  watch.update({ ...idle, nowMs: 1000 });
  watch.update({ ...hungry, nowMs: 5999 });
  assert.deepEqual([watch.webSeedNeed.isNeeded, watch.isStarving], [false, false]);
  watch.update({ ...hungry, nowMs: 6000 });
  assert.equal(watch.isStarving, true);
  watch.update({ ...hungry, nowMs: 6750 });
  assert.equal(watch.webSeedNeed.isNeeded, true);
  watch.update({ ...hungry, nowMs: 7000, isFetching: true });
  watch.pieceCame({ kind: "seeders" }, 7100);
  assert.equal(watch.isStarving, true);
  watch.pieceCame({ kind: "peers" }, 7200);
  assert.equal(watch.isStarving, false);
});

test("SupplyWatch is not starving while it hears of pieces that come to others", () => {
  const watch = watchOf();
  for (let nowMs = 0; nowMs < stallBoundMs; nowMs += 1000) {
    watch.heard(nowMs);
    watch.update({ ...hungry, nowMs });
  }
  assert.equal(watch.isStarving, false);
});

test("SupplyWatch asks web seeds soon for a growing blob when no peer is connected", () => {
  const watch = watchOf();
  watch.update({ ...hungry, nowMs: 0, connected: 0 });
  watch.update({ ...hungry, nowMs: 750, connected: 0 });
  assert.equal(watch.webSeedNeed.isNeeded, true);
});

test("SupplyWatch gives up on a growing blob when no hash comes, whatever its origin", () => {
  for (const hasOrigin of [false, true]) {
    const watch = watchOf({ hasOrigin });
    assert.equal(watch.update({ ...idle, nowMs: stallBoundMs }), undefined);
    const failure = watch.update({ ...idle, nowMs: stallBoundMs + 1 });
    assert.match(failure?.message ?? "", /no hash came/);
    assert.equal(watch.originNeed.isNeeded, false);
  }
});

test("SupplyWatch asks the origin for pieces of a growing blob that nobody gives", () => {
  const watch = watchOf({ hasOrigin: true });
  assert.equal(watch.update({ ...hungry, nowMs: stallBoundMs + 1 }), undefined);
  assert.equal(watch.originNeed.isNeeded, true);
});

test("SupplyWatch of a blob waits for near nodes that fetch from afar, and then starves", () => {
  const sparing = { ...hungry, connected: 3, isSparing: true };
  const watch = new SupplyWatch({
    ...{ torrent: metainfo, stallBoundMs, hasOrigin: false, knowsPeers: true, nowMs: 0 },
  });
  watch.update({ ...sparing, nowMs: 4999 });
  assert.deepEqual([watch.webSeedNeed.isNeeded, watch.isStarving], [false, false]);
  watch.heard(4000);
  watch.update({ ...sparing, nowMs: 8999 });
  assert.equal(watch.isStarving, false);
  watch.update({ ...sparing, nowMs: 9000 });
  assert.equal(watch.isStarving, true);
  watch.pieceCame({ kind: "peers", isFar: true }, 9050);
  assert.equal(watch.isStarving, true);
  watch.pieceCame({ kind: "peers" }, 9100);
  assert.equal(watch.isStarving, false);
});

test("SupplyWatch does not starve for what was before near nodes came, nor once they have left", () => {
  const alone = { ...hungry, connected: 3 };
  const watch = new SupplyWatch({
    ...{ torrent: metainfo, stallBoundMs, hasOrigin: false, knowsPeers: true, nowMs: 0 },
  });
  watch.update({ ...alone, nowMs: 60_000 });
  watch.update({ ...alone, isSparing: true, nowMs: 60_250 });
  assert.equal(watch.isStarving, false);
  watch.update({ ...alone, isSparing: true, nowMs: 70_000 });
  assert.equal(watch.isStarving, true);
  watch.update({ ...alone, nowMs: 70_250 });
  assert.equal(watch.isStarving, false);
});

test("SupplyWatch asks web seeds soon when near nodes owe pieces and do not give them", () => {
  const watch = new SupplyWatch({
    ...{ torrent: metainfo, stallBoundMs, hasOrigin: false, knowsPeers: true, nowMs: 0 },
  });
  const owed = { ...hungry, isSparing: true, isFetching: true };
  watch.update({ ...owed, nowMs: 0, suppliers: 1 });
  watch.update({ ...owed, nowMs: 750 });
  assert.equal(watch.webSeedNeed.isNeeded, true);
});

test("SupplyWatch asks no web seed at once while a seeder serves others and peers are to give", () => {
  const whole = { torrent: metainfo, stallBoundMs, hasOrigin: false, knowsPeers: true };
  const watch = new SupplyWatch({ ...whole, nowMs: 0 });
  const inLine = { ...hungry, isInLine: true };
  watch.update({ ...hungry, nowMs: 500 });
  for (const nowMs of [600, 1100, 2099]) watch.update({ ...inLine, nowMs });
  watch.update({ ...inLine, nowMs: 2848 });
  assert.equal(watch.webSeedNeed.isNeeded, false);
  watch.update({ ...inLine, nowMs: 2849 });
  assert.equal(watch.webSeedNeed.isNeeded, true);
});
