import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../../core/digest.ts";
import { ManualClock } from "../../../core/testing/manual-clock.ts";
import { Grants } from "./grants.ts";

test("what is remembered of rights is bounded, together and of each", () => {
  const grants = new Grants({ clock: new ManualClock() });
  const keyOf = (caller: number) => ({
    ...{ caller: String(caller), registry: "registry.example", repository: "a/b" },
  });
  const digests = Array.from({ length: 300 }, (_, index) => digestOf(Buffer.from(String(index))));
  for (let caller = 0; caller < 400; caller++) {
    for (const digest of digests) grants.add(keyOf(caller), { digest, isManifest: true });
  }
  const kept = Array.from({ length: 400 }, (_, caller) => grants.find(keyOf(caller)));
  assert.equal(kept[0], undefined);
  const counts = kept.map((grant) => grant?.manifests().length ?? 0);
  assert.equal(counts.at(-1), 200);
  assert.ok(counts.reduce((sum, count) => sum + count, 0) <= 50_000);
  assert.deepEqual(kept.at(-1)?.manifests().at(-1), digests.at(-1));
});
