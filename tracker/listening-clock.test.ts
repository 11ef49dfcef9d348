import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../core/testing/manual-clock.ts";
import { ListeningClock } from "./listening-clock.ts";

test("ListeningClock goes on while looks are in time or a little late, and stands still when not", () => {
  const clock = new ManualClock();
  const listening = new ListeningClock({ clock, lookIntervalMs: 1000 });
  const startMs = listening.monotonicMs();
  const passedAfter = (durationMs: number) => {
    clock.advance(durationMs);
    listening.look(clock.monotonicMs());
    return listening.monotonicMs() - startMs;
  };
  assert.deepEqual([0, 1000, 1900].map(passedAfter), [0, 1000, 2900]);
  assert.deepEqual([50_000, 1000].map(passedAfter), [4900, 5900]);
  assert.equal(listening.now(), clock.now());
});
