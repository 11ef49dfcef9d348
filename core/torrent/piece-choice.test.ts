import assert from "node:assert/strict";
import { test } from "node:test";

import { pieceLayoutOf } from "../piece-layout.ts";
import type { PieceSource } from "./assignment.ts";
import { OriginNeed } from "./origin-need.ts";
import { PieceChoice } from "./piece-choice.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PiecePicker } from "./piece-picker.ts";
import { WebSeedNeed } from "./web-seed-need.ts";

const layout = pieceLayoutOf(4 * 1024 * 1024);
const { pieceCount } = layout;

/** A node with the whole blob, that gives so many bytes per second and owes a piece so many. */
function wholeNode(conduct: { readonly rate: number; readonly owes?: () => number }): PieceSource {
  return {
    ...{ kind: "peers", name: "node", whole: true, stalled: false, gaveAtMs: 0 },
    ...{ rate: conduct.rate, bytesUntil: () => conduct.owes?.() ?? 0 },
    ...{ has: () => true, fill: () => undefined, cancel: () => undefined, close: () => undefined },
  };
}

/** A choice of which nothing is asked yet. */
function openChoice({ isCrowd }: { readonly isCrowd: boolean }) {
  const picker = new PiecePicker({ pieceCount, random: () => 0 });
  const givers = new PieceGivers();
  const supply = {
    webSeedNeed: new WebSeedNeed({ nowMs: 0, knowsPeers: true }),
    originNeed: new OriginNeed({ silenceMs: 6000 }),
  };
  const choice = new PieceChoice({
    ...{ layout, picker, givers, supply, isCrowd: () => isCrowd },
    secondsLeft: () => 0,
  });
  return { picker, givers, choice };
}

/** A choice of which all pieces are asked of a node that gives 1 kB per second. */
function setUp({ isCrowd }: { readonly isCrowd: boolean }) {
  const { picker, givers, choice } = openChoice({ isCrowd });
  const slow = { owes: 0 };
  for (let index = 0; index < pieceCount; index++) {
    picker.take(index);
    givers.add(index, wholeNode({ rate: 1000, owes: () => slow.owes }));
  }
  return { choice, slow, fast: wholeNode({ rate: 10e6 }) };
}

test("an idle source takes over a piece that it would have much sooner, once it is so", () => {
  const { choice, slow, fast } = setUp({ isCrowd: false });
  slow.owes = 100;
  assert.equal(choice.next(fast), undefined);
  slow.owes = 2000;
  assert.equal(choice.next(fast), 0);
});

test("one that a whole crowd asks takes over long waits only, and looks for them at the engine's pace", () => {
  const { choice, slow, fast } = setUp({ isCrowd: true });
  slow.owes = 2000;
  assert.equal(choice.next(fast), undefined);
  slow.owes = 10_000;
  assert.equal(choice.next(fast), undefined);
  choice.noteStalls(false);
  assert.equal(choice.next(fast), 0);
});

/** A node with some pieces, and for how long it has not begun to give what it is asked for. */
function partialNode(waitedMs: () => number | undefined): PieceSource {
  return { ...wholeNode({ rate: 1e6 }), whole: false, waitedMs };
}

test("a piece that a reader waits for is asked of all who may begin before who was asked has", () => {
  const { picker, givers, choice } = openChoice({ isCrowd: true });
  const asked: { waitedMs: number | undefined } = { waitedMs: 100 };
  const first = partialNode(() => asked.waitedMs);
  picker.addReader(1, 3);
  assert.equal(choice.next(first), 3);
  givers.add(3, first);
  const other = partialNode(() => 0);
  assert.equal(choice.isUrgentFor(other, 3), true);
  assert.equal(choice.isUrgentFor(other, 2), false, "no reader waits for that one");
  assert.equal(choice.isUrgentFor({ ...other, isFar: true }, 3), false, "it would cross a border");
  assert.equal(choice.isUrgentFor({ ...other, whole: true }, 3), false, "its link is everybody's");
  asked.waitedMs = undefined;
  assert.equal(choice.isUrgentFor(other, 3), false, "it is coming");
  asked.waitedMs = 100;
  assert.equal(choice.next(other), 3);
});
