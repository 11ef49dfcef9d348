import assert from "node:assert/strict";
import { test } from "node:test";

import { OriginNeed } from "./origin-need.ts";

test("the origin is needed once the swarm was silent for long, until it gives a piece", () => {
  const need = new OriginNeed({ silenceMs: 5000 });
  assert.equal(need.update({ bytesMs: 5000, isLate: false }), false);
  assert.equal(need.isNeeded, false);
  assert.equal(need.update({ bytesMs: 5001, isLate: false }), true);
  assert.equal(need.update({ bytesMs: 0, isLate: false }), false);
  assert.equal(need.isNeeded, true);
  need.swarmGave();
  assert.equal(need.isNeeded, false);
});

test("a swarm that falls silent again is given less time", () => {
  const need = new OriginNeed({ silenceMs: 5000 });
  need.update({ bytesMs: 5001, isLate: false });
  need.swarmGave();
  assert.equal(need.update({ bytesMs: 1000, isLate: false }), false);
  assert.equal(need.update({ bytesMs: 2000, isLate: false }), true);
});

test("bytes that make no piece are as good as silence", () => {
  const need = new OriginNeed({ silenceMs: 5000 });
  assert.equal(need.update({ bytesMs: 0, isLate: true }), true);
});
