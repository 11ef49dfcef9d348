import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryLogger } from "../testing/memory-logger.ts";
import { RenewalPace } from "./renewal-pace.ts";

/** As our trackers have it. */
const intervals = { intervalMs: 600_000, intervalMinMs: 5000 };

/** A tracker that forgets us so often, each time after that pause. */
function forgetting({ count, everyMs }: { readonly count: number; readonly everyMs: number }) {
  const logger = new MemoryLogger();
  const pace = new RenewalPace({ logger });
  pace.heed(intervals);
  let renewals = 0;
  for (let nowMs = 0; nowMs < count * everyMs; nowMs += everyMs) {
    pace.want(nowMs);
    if (pace.dueMs > nowMs) continue;
    pace.renewed(nowMs);
    renewals++;
  }
  return { warnings: logger.lines.map(({ message }) => message), renewals };
}

test("a tracker that forgets at every heartbeat is warned of once, with what may cause it", () => {
  const { warnings, renewals } = forgetting({ count: 400, everyMs: 15_000 });
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /several trackers.*address of this host that changes.*NAT/);
  // At once, and then after pauses of 15 to 600 seconds.
  assert.ok(renewals >= 10 && renewals <= 20, `${renewals} renewals`);
});

test("a tracker that forgets more often than its shortest interval is warned of once", () => {
  assert.equal(forgetting({ count: 400, everyMs: 1000 }).warnings.length, 1);
});

test("a tracker that restarts a few times, or every hour, is not warned of", () => {
  assert.deepEqual(forgetting({ count: 3, everyMs: 60_000 }).warnings, []);
  assert.deepEqual(forgetting({ count: 50, everyMs: 3_600_000 }).warnings, []);
});
