import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { PieceTurns } from "./piece-turns.ts";

/** Connections that ask for pieces of one blob; `told` has those whose turn it became. */
function askers(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const turns = new PieceTurns();
  const told: string[] = [];
  const open = (name: string) => turns.open({ onTurn: () => told.push(name) });
  return { a: open("a"), b: open("b"), c: open("c"), d: open("d"), told };
}

test("a piece is given to two at once, and to others in the order in which they came", (t) => {
  const { a, b, c, d, told } = askers(t);
  const may = [a, b, c, d].map((turn) => turn.mayTake(7));
  assert.deepEqual(may, [true, true, false, false]);

  b.end(7);
  assert.deepEqual(told, ["c"]);
  assert.deepEqual([c.mayTake(7), d.mayTake(7)], [true, false]);

  a.end();
  assert.deepEqual(told, ["c", "d"]);
  assert.equal(d.mayTake(7), true);
});

test("who is given another piece does not wait for that", (t) => {
  const { a, b, c, told } = askers(t);
  for (const turn of [a, b]) turn.mayTake(7);
  assert.equal(c.mayTake(8), true);
  assert.deepEqual(told, []);
});

test("who goes on to another piece leaves its turn to others", (t) => {
  const { a, b, c, told } = askers(t);
  for (const turn of [a, b, c]) turn.mayTake(7);
  assert.equal(a.mayTake(8), true);
  assert.deepEqual(told, ["c"]);
});

test("who wants a piece no more does not take its turn", (t) => {
  const { a, b, c, d, told } = askers(t);
  for (const turn of [a, b, c, d]) turn.mayTake(7);
  c.end(8);
  c.end(7);
  a.end();
  assert.deepEqual(told, ["d"]);
});

test("who has waited for a second is served, and who had its turn for as long keeps nobody", (t) => {
  const { a, b, c, d, told } = askers(t);
  for (const turn of [a, b, c]) turn.mayTake(7);
  t.mock.timers.tick(999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  assert.deepEqual(told, ["c"]);
  assert.equal(a.mayTake(7), true, "it is still given what it asks for");

  // Two are in the midst of it beside the first.
  assert.equal(d.mayTake(7), false);
  a.end();
  assert.deepEqual(told, ["c"]);
  c.end();
  assert.deepEqual(told, ["c", "d"]);
});

test("a piece that nobody is given any more is free for two", (t) => {
  const { a, b, c, d } = askers(t);
  for (const turn of [a, b]) turn.mayTake(7);
  for (const turn of [a, b]) turn.end();
  assert.deepEqual(
    [c, d].map((turn) => turn.mayTake(7)),
    [true, true],
  );
});
