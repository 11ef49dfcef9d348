import assert from "node:assert/strict";
import { test } from "node:test";

import { ServingTurns, turnsMax } from "./serving-turns.ts";

/** Askers of a blob that want to begin a piece whenever they may, and the log of who has. */
function askers(count: number) {
  const turns = new ServingTurns();
  const begun: number[] = [];
  const time = { nowMs: 0 };
  const takers = Array.from({ length: count }, (_, name) => {
    const taker = {
      onTurn: () => taker.ask(),
      ask: () => {
        if (turns.begin(taker, time.nowMs)) begun.push(name);
      },
      goOn: () => turns.goOn(taker, time.nowMs),
      rest: () => turns.rest(taker, time.nowMs),
      leave: () => turns.leave(taker, time.nowMs),
    };
    return taker;
  });
  const pass = (ms: number) => {
    time.nowMs += ms;
    turns.tick(time.nowMs);
  };
  return { takers, begun, pass };
}

type Taker = ReturnType<typeof askers>["takers"][number];

function at(takers: readonly Taker[], index: number): Taker {
  const taker = takers[index];
  assert.ok(taker);
  return taker;
}

test("two pieces are begun at once, and the next when one of them has left", () => {
  const { takers, begun } = askers(5);
  for (const taker of takers) taker.ask();
  assert.deepEqual(begun, [0, 1]);
  at(takers, 1).rest();
  assert.deepEqual(begun, [0, 1, 2]);
  at(takers, 0).rest();
  at(takers, 2).rest();
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test("who wants a further piece waits behind those who came before", () => {
  const { takers, begun } = askers(3);
  for (const taker of takers) taker.ask();
  at(takers, 0).ask();
  assert.deepEqual(begun, [0, 1]);
  at(takers, 0).rest();
  at(takers, 1).rest();
  assert.deepEqual(begun, [0, 1, 2, 0]);
});

test("who is alone goes on from piece to piece", () => {
  const { takers, begun } = askers(1);
  at(takers, 0).ask();
  at(takers, 0).ask();
  assert.deepEqual(begun, [0, 0]);
});

test("who takes its blocks slowly holds up nobody", () => {
  const { takers, begun, pass } = askers(4);
  for (const taker of takers) taker.ask();
  pass(199);
  at(takers, 1).goOn();
  pass(1);
  assert.deepEqual(begun, [0, 1, 2], "the first one is slow, the second one is not");
});

test("who has waited for half a second begins beside the others", () => {
  const { takers, begun, pass } = askers(28);
  for (const taker of takers) taker.ask();
  for (let ms = 0; ms < 500; ms += 100) {
    assert.deepEqual(begun, [0, 1]);
    at(takers, 0).goOn();
    at(takers, 1).goOn();
    pass(100);
  }
  assert.equal(begun.length, takers.length);
});

test("who left is not waited for, and not called", () => {
  const { takers, begun } = askers(4);
  for (const taker of takers) taker.ask();
  at(takers, 2).leave();
  at(takers, 0).leave();
  assert.deepEqual(begun, [0, 1, 3]);
});

test("who was called and wants nothing any more gives its turn to the next", () => {
  const turns = new ServingTurns();
  const called: string[] = [];
  const taker = (name: string, onTurn: () => void) => ({
    onTurn: () => {
      called.push(name);
      onTurn();
    },
  });
  const first = taker("first", () => assert.fail("it had not to wait"));
  const second = taker("second", () => assert.fail("it had not to wait"));
  const idle = taker("idle", () => turns.rest(idle, 0));
  const last = taker("last", () => assert.ok(turns.begin(last, 0)));
  assert.ok(turns.begin(first, 0));
  assert.ok(turns.begin(second, 0));
  assert.ok(!turns.begin(idle, 0));
  assert.ok(!turns.begin(last, 0));
  turns.rest(first, 0);
  assert.deepEqual(called, ["idle", "last"]);
});

test("after three seconds everybody is served at once, whatever has left", () => {
  const { takers, begun, pass } = askers(4);
  at(takers, 0).ask();
  at(takers, 1).ask();
  for (let ms = 0; ms < 2800; ms += 100) {
    pass(100);
    at(takers, 0).goOn();
    at(takers, 1).goOn();
  }
  at(takers, 2).ask();
  assert.deepEqual(begun, [0, 1]);
  pass(200);
  at(takers, 3).ask();
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

test("who comes after three seconds waits for nobody, though nobody has looked since", () => {
  const turns = new ServingTurns();
  const taker = () => ({ onTurn: () => undefined });
  assert.ok(turns.begin(taker(), 0));
  assert.ok(turns.begin(taker(), 0));
  assert.ok(!turns.begin(taker(), 2999));
  assert.ok(turns.begin(taker(), 3000));
});

test("who asks as turns end is told so once, and others that wait are called", () => {
  const turns = new ServingTurns();
  const called: string[] = [];
  const taker = (name: string) => ({ onTurn: () => called.push(name) });
  const [first, second, asking, waiting] = ["1", "2", "3", "4"].map(taker);
  assert.ok(first && second && asking && waiting);
  assert.ok(turns.begin(first, 0) && turns.begin(second, 0));
  assert.ok(!turns.begin(asking, 2900) && !turns.begin(waiting, 2900));
  assert.ok(turns.begin(asking, 3000));
  assert.deepEqual(called, ["4"]);
});

test("once there are copies everybody is served at once", () => {
  const { takers, begun } = askers(turnsMax + 3);
  for (const taker of takers) taker.ask();
  for (let left = 0; left < turnsMax - 2; left++) at(takers, left).rest();
  assert.equal(begun.length, takers.length);
  for (const taker of takers) taker.ask();
  assert.equal(begun.length, 2 * takers.length);
});
