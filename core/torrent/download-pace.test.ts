import assert from "node:assert/strict";
import { test } from "node:test";

import { DownloadPace } from "./download-pace.ts";

/** Notes a rate for some seconds, four times in each. Gives when that was over. */
function note(pace: DownloadPace, spans: readonly (readonly [seconds: number, rate: number])[]) {
  let [bytes, nowMs] = [0, 0];
  for (const [seconds, rate] of spans) {
    for (let step = 0; step < seconds * 4; step++) {
      bytes += rate / 4;
      nowMs += 250;
      pace.note(bytes, nowMs);
    }
  }
}

test("DownloadPace knows nothing before anything came", () => {
  const pace = new DownloadPace(0);
  assert.equal(pace.secondsFor(1000), 0);
  pace.note(0, 250);
  assert.equal(pace.secondsFor(1000), 0);
  pace.note(1000, 250);
  assert.equal(pace.secondsFor(1000), 0, "no time has passed");
});

test("DownloadPace tells time by the best rate that lasted, also when less comes later", () => {
  const pace = new DownloadPace(0);
  note(pace, [
    [10, 1000],
    [3, 100],
  ]);
  const seconds = pace.secondsFor(1000);
  assert.ok(seconds > 0.95 && seconds < 1.1, `${seconds}`);
});

test("DownloadPace forgets a rate that was long ago", () => {
  const pace = new DownloadPace(0);
  note(pace, [
    [10, 1000],
    [120, 100],
  ]);
  assert.ok(pace.secondsFor(1000) > 5, `${pace.secondsFor(1000)}`);
});

test("DownloadPace goes by the rate of a single source when that is better", () => {
  const pace = new DownloadPace(0);
  note(pace, [[10, 1000]]);
  assert.equal(pace.secondsFor(1000, 10_000), 0.1);
});
