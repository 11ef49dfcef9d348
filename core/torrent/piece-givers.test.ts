import assert from "node:assert/strict";
import { test } from "node:test";

import type { PieceSource } from "./assignment.ts";
import { PieceGivers } from "./piece-givers.ts";

/** A source of which only what givers are judged by is of interest. */
function source(conduct: {
  readonly stalled?: boolean;
  readonly rate?: number;
  readonly bytesLeft?: number;
  readonly waitedMs?: number;
}): PieceSource {
  return {
    ...{ kind: "peers", name: "peer", whole: true, gaveAtMs: 0 },
    ...{ stalled: conduct.stalled ?? false, rate: conduct.rate ?? 0 },
    bytesUntil: () => conduct.bytesLeft ?? 0,
    waitedMs: () => conduct.waitedMs,
    ...{ has: () => true, fill: () => undefined, cancel: () => undefined, close: () => undefined },
  };
}

test("PieceGivers has a piece asked of two sources at once, and of others when those have stalled", () => {
  const givers = new PieceGivers();
  const other = source({});
  givers.add(3, source({}));
  assert.equal(givers.hasRoomFor(3, other), true);
  givers.add(3, source({ stalled: true }));
  givers.add(3, source({ stalled: true }));
  assert.equal(givers.hasRoomFor(3, other), true);
  assert.equal(givers.isStalled(3), false);
  givers.add(3, other);
  assert.equal(givers.hasRoomFor(3, other), false);
  assert.equal(givers.hasRoomFor(3, source({})), false);
  assert.equal(givers.isAsked(other), true);
  givers.remove(3, other);
  assert.equal(givers.isAsked(other), false);
});

test("PieceGivers lets a source take over that would be done much sooner, known or new", () => {
  const givers = new PieceGivers();
  givers.add(0, source({ rate: 1000, bytesLeft: 1_000_000 }));
  givers.add(1, source({ rate: 1_000_000, bytesLeft: 1_000_000 }));
  givers.add(2, source({ rate: 0, bytesLeft: 1_000_000 }));
  const fast = source({ rate: 10_000_000 });
  assert.deepEqual(
    [0, 1, 2].map((index) =>
      givers.wouldOvertake(index, fast, { length: 1_000_000, dueSeconds: 0 }),
    ),
    [true, true, false],
  );
  const unknown = source({ rate: 0 });
  assert.deepEqual(
    [0, 1, 2].map((index) =>
      givers.wouldOvertake(index, unknown, { length: 1_000_000, dueSeconds: 0 }),
    ),
    [true, false, false],
  );
});

test("PieceGivers lets nobody take over a piece that comes before all the others", () => {
  const givers = new PieceGivers();
  givers.add(0, source({ rate: 1000, bytesLeft: 4000 }));
  const fast = source({ rate: 1_000_000 });
  const overtakes = (dueSeconds: number) =>
    givers.wouldOvertake(0, fast, { length: 1000, dueSeconds });
  assert.deepEqual([0, 2, 3, 10].map(overtakes), [true, true, false, false]);
});

test("PieceGivers leaves room for others beside those that trickle", () => {
  const givers = new PieceGivers();
  for (let trickler = 0; trickler < 3; trickler++) givers.add(0, source({ rate: 3000 }));
  assert.equal(givers.hasRoomFor(0, source({})), true);
  for (let honest = 0; honest < 2; honest++) givers.add(0, source({ rate: 1e6 }));
  assert.equal(givers.hasRoomFor(0, source({})), false);
});

test("PieceGivers has up to four sources asked for a piece that none has begun to give for a while", () => {
  const givers = new PieceGivers();
  assert.equal(givers.mayComeFirst(0, source({})), false, "nobody was asked");
  givers.add(1, source({ waitedMs: 99 }));
  assert.equal(givers.mayComeFirst(1, source({})), false, "it may begin any moment");
  const waiting = Array.from({ length: 4 }, (_, nth) => source({ waitedMs: nth === 0 ? 100 : 0 }));
  for (const each of waiting) {
    if (givers.has(0)) assert.equal(givers.mayComeFirst(0, each), true);
    givers.add(0, each);
    assert.equal(givers.mayComeFirst(0, each), false, "it was asked itself");
  }
  assert.equal(givers.mayComeFirst(0, source({})), false, "enough were asked");
  for (const each of waiting.slice(1)) givers.remove(0, each);
  const begun = source({});
  givers.add(0, begun);
  assert.equal(givers.mayComeFirst(0, source({})), false, "one gives it");
  assert.deepEqual(givers.redundant(0, begun), waiting.slice(0, 1));
});

test("PieceGivers sends nobody away for a source that trickles", () => {
  const givers = new PieceGivers();
  const [trickler, other] = [source({ rate: 3000 }), source({ waitedMs: 0 })];
  for (const each of [trickler, other]) givers.add(0, each);
  assert.deepEqual(givers.redundant(0, trickler), []);
});

test("PieceGivers does not count who gives other pieces all the time, and not that one", () => {
  const givers = new PieceGivers();
  for (let liar = 0; liar < 4; liar++) givers.add(0, source({ rate: 1e6, waitedMs: 1500 }));
  assert.deepEqual(
    [givers.hasRoomFor(0, source({})), givers.mayComeFirst(0, source({}))],
    [true, true],
  );
});
