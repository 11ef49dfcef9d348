import assert from "node:assert/strict";
import { test } from "node:test";

import { FirstTurn } from "./first-turn.ts";
import { Limiter } from "./limiter.ts";

/** A line of one place, which somebody has. */
function busyLine(signal: AbortSignal) {
  const line = new Limiter(1);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  void line.run(signal, () => promise);
  return { line, free: () => resolve(undefined) };
}

test("work is done once, at the first turn in any line, and holds a place only there", async (t) => {
  const [slow, fast] = [busyLine(t.signal), busyLine(t.signal)];
  const [begun, finish] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const turn = new FirstTurn(async () => {
    begun.resolve(undefined);
    await finish.promise;
  }, t);
  for (const { line } of [slow, fast, fast]) turn.waitIn(line);
  fast.free();
  await begun.promise;
  slow.free();
  await slow.line.run(t.signal, async () => undefined);
  turn.waitIn(slow.line);
  finish.resolve(undefined);
  await turn.finished();
  await fast.line.run(t.signal, async () => undefined);
});

test("work is done once when its turn comes in two lines in the same moment", async (t) => {
  const lines = [busyLine(t.signal), busyLine(t.signal)];
  let times = 0;
  const turn = new FirstTurn(async () => {
    times++;
  }, t);
  for (const { line } of lines) turn.waitIn(line);
  for (const { free } of lines) free();
  await turn.finished();
  for (const { line } of lines) await line.run(t.signal, async () => undefined);
  assert.equal(times, 1);
});

test("a wait that is aborted ends in all lines, and what the work throws is passed on", async (t) => {
  const [one, other] = [busyLine(t.signal), busyLine(t.signal)];
  const stop = new AbortController();
  const reason = new Error("not wanted");
  const turn = new FirstTurn(async () => assert.fail("it was aborted"), stop);
  for (const { line } of [one, other]) turn.waitIn(line);
  stop.abort(reason);
  await assert.rejects(turn.finished(), reason);
  one.free();
  const failing = new FirstTurn(async () => Promise.reject(new Error("it fails")), t);
  failing.waitIn(one.line);
  await assert.rejects(failing.finished(), /it fails/);
  await one.line.run(t.signal, async () => undefined);
});
