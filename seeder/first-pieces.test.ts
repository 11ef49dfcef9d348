import assert from "node:assert/strict";
import { test } from "node:test";

import { FirstPieces } from "./first-pieces.ts";

const registry = "registry.example";

/** Lets everything happen that waits for nothing. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Asks for a turn, and tells whether it has come. */
function ask(firstPieces: FirstPieces, signal: AbortSignal) {
  const asked = { turn: undefined as Disposable | undefined };
  const coming = firstPieces.turn(registry, { signal }).then((turn) => (asked.turn = turn));
  coming.catch(() => undefined);
  return { asked, coming };
}

test("FirstPieces lets the next one begin when the first piece of the one before is here", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const firstPieces = new FirstPieces();
  const first = await firstPieces.turn(registry, t);
  const { asked, coming } = ask(firstPieces, t.signal);
  await settle();
  assert.equal(asked.turn, undefined);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await coming;
  assert.ok(asked.turn);
});

test("FirstPieces keeps nobody for longer than 100 ms behind a slow one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const firstPieces = new FirstPieces();
  await firstPieces.turn(registry, t);
  const [second, third] = [ask(firstPieces, t.signal), ask(firstPieces, t.signal)];
  t.mock.timers.tick(100);
  await second.coming;
  await settle();
  assert.equal(third.asked.turn, undefined);
  t.mock.timers.tick(100);
  await third.coming;
});

test("FirstPieces has nobody wait for long, however many are before, nor for another registry", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const firstPieces = new FirstPieces();
  await firstPieces.turn(registry, t);
  const asked = Array.from({ length: 20 }, () => ask(firstPieces, t.signal));
  await firstPieces.turn("other.example", t);
  t.mock.timers.tick(300);
  await Promise.all(asked.map(({ coming }) => coming));
});

test("FirstPieces goes on without those that are cancelled, in their order", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const firstPieces = new FirstPieces();
  const first = await firstPieces.turn(registry, t);
  const cancelled = new AbortController();
  const second = ask(firstPieces, cancelled.signal);
  const third = ask(firstPieces, t.signal);
  cancelled.abort();
  await assert.rejects(second.coming, { name: "AbortError" });
  await settle();
  assert.equal(third.asked.turn, undefined);
  first[Symbol.dispose]();
  await third.coming;
});
