import assert from "node:assert/strict";
import { test } from "node:test";

import { PreheatProgress } from "./progress.ts";

function event(digest: string, bytes: number, state: "fetching" | "done" = "fetching") {
  return { event: "blob", digest, mediaType: "x", size: 1000, bytes, state } as const;
}

test("totals add up all blobs, and the rate tells what is left", () => {
  const progress = new PreheatProgress();
  assert.equal(progress.add(event("a", 0), 0), true);
  assert.equal(progress.totals(0).leftMs, undefined);
  progress.add(event("b", 0), 0);
  assert.equal(progress.add(event("a", 500), 1000), false);
  assert.deepEqual(progress.totals(1000), {
    bytes: 500,
    size: 2000,
    blobsDone: 0,
    blobs: 2,
    bytesPerSecond: 500,
    leftMs: 3000,
  });
  assert.equal(progress.add(event("a", 1000, "done"), 2000), true);
  assert.equal(progress.totals(2000).blobsDone, 1);
});

test("the rate is that of the last seconds", () => {
  const progress = new PreheatProgress();
  progress.add(event("a", 0), 0);
  progress.add(event("a", 900), 1000);
  progress.add(event("a", 910), 11_000);
  progress.add(event("a", 920), 12_000);
  assert.equal(Math.round(progress.totals(12_000).bytesPerSecond) < 20, true);
});
