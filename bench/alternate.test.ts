import assert from "node:assert/strict";
import { test } from "node:test";

import { alternate } from "./alternate.ts";

test("`alternate()` lets every side begin in turn, and keeps the rounds in order", async (t) => {
  const turns: string[] = [];
  const sideOf = (name: string) => async () => turns.push(name);
  const results = await alternate(
    { ours: sideOf("ours"), reference: sideOf("reference") },
    { rounds: 3, signal: t.signal },
  );
  assert.deepEqual(turns, ["ours", "reference", "reference", "ours", "ours", "reference"]);
  assert.deepEqual(results, { ours: [1, 4, 5], reference: [2, 3, 6] });
});

test("`alternate()` stops between turns when it is told to", async () => {
  const stop = new AbortController();
  let turns = 0;
  const side = async () => {
    turns++;
    stop.abort(new Error("enough"));
  };
  const running = alternate({ a: side, b: side }, { rounds: 5, signal: stop.signal });
  await assert.rejects(running, /enough/);
  assert.equal(turns, 1);
});

test("`alternate()` tells whose turn it is", async (t) => {
  const told: string[] = [];
  await alternate(
    { ours: async () => 1 },
    { rounds: 2, signal: t.signal, onTurn: (side, round) => told.push(`${side} ${round}`) },
  );
  assert.deepEqual(told, ["ours 0", "ours 1"]);
});
