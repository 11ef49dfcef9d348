import assert from "node:assert/strict";
import { test } from "node:test";

import type { PieceSource } from "./assignment.ts";
import { PieceGivers } from "./piece-givers.ts";

/** A source of which only what givers are judged by is of interest. */
function source(conduct: {
  readonly stalled?: boolean;
  readonly rate?: number;
  readonly bytesLeft?: number;
}): PieceSource {
  return {
    ...{ kind: "peers", name: "peer", whole: true, gaveAtMs: 0 },
    ...{ stalled: conduct.stalled ?? false, rate: conduct.rate ?? 0 },
    bytesUntil: () => conduct.bytesLeft ?? 0,
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
