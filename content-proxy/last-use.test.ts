import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { LastUse } from "./last-use.ts";

const digest = digestOf(Buffer.from("a blob"));

test("LastUse knows a use after the last change, and else that change", () => {
  const clock = new ManualClock();
  const lastUse = new LastUse({ clock });
  const updatedAt = clock.now();
  assert.equal(lastUse.of({ digest, updatedAt }), updatedAt);
  clock.advance(1000);
  lastUse.note(digest);
  const usedAt = clock.now();
  assert.equal(lastUse.of({ digest, updatedAt }), usedAt);
  assert.equal(lastUse.of({ digest, updatedAt: usedAt + 1n }), usedAt + 1n);
});
