import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { digestOf } from "../core/digest.ts";
import { BlobSizeError } from "../core/errors.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import { BlobArrival } from "./blob-arrival.ts";
import { type ColdOutcome, runColdFetch } from "./cold-run.ts";

const digest = digestOf(Buffer.from("a"));
const size = 1_000_000;
const registry = "a.example";
const from = [{ registry, repository: "pond/fish" }];

function arrivalOf(told: number): BlobArrival {
  const descriptor = { mediaType: "layer", digest, size: told };
  return new BlobArrival({ descriptor, registry }, () => undefined);
}

test("who knows the size has a fetch of its own after one of another size, and peers for it", async (t) => {
  const [wrong, right] = [arrivalOf(size + 1), arrivalOf(size)];
  const arrivals = [wrong, right];
  const given: BlobArrival[] = [];
  const told: ColdOutcome[] = [];
  const whole = Promise.withResolvers<BlobRecord>();
  const running = runColdFetch(
    { digest, size, mediaType: "layer", from },
    {
      cache: {
        begin: async () => {
          const arrival = arrivals.shift() ?? right;
          return { arrival, [Symbol.dispose]: () => undefined };
        },
        arrivalOf: () => undefined,
        isQueued: () => false,
        obtain: async () => whole.promise,
      },
      origin: { describe: async () => ({ mediaType: "layer", digest, size }), lists: () => false },
      known: { add: () => undefined, find: () => undefined, touch: () => undefined },
      growing: { add: (arrival) => void given.push(arrival) },
      onOutcome: (outcome) => void told.push(outcome),
      signal: t.signal,
    },
  );
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.equal(arrivals.length, 1);
  wrong.fail(new BlobSizeError(size + 1, size));
  for (let turns = 0; turns < 10; turns++) await turn();
  assert.deepEqual(given, [right]);
  assert.deepEqual(told, [{ state: "arriving", size }]);
  const none = { createdAt: 0n, updatedAt: 0n, labels: {} };
  whole.resolve({ ...none, digest, size, provenance: "pull", owned: false, whole: true });
  await running;
  assert.deepEqual(told.at(-1), { state: "whole", size });
});

test("where a node and what is known differ over a size the registry is believed", async (t) => {
  const asked: number[] = [];
  for (const [remembered, wanted] of [
    [size + 1, size],
    [size, size + 1],
    [size, size],
  ] as const) {
    const descriptor = { mediaType: "layer", digest, size: remembered };
    const none = { createdAt: 0n, updatedAt: 0n, labels: {} };
    const record = {
      ...none,
      digest,
      size,
      provenance: "pull",
      owned: false,
      whole: true,
    } as const;
    const known = { registry, repository: "pond/fish", descriptor };
    await runColdFetch(
      { digest, size: wanted, mediaType: "layer", from },
      {
        cache: {
          arrivalOf: () => undefined,
          begin: async (blob) => (asked.push(blob.descriptor.size), record),
          isQueued: () => false,
          obtain: async () => record,
        },
        origin: {
          describe: async () => ({ mediaType: "layer", digest, size }),
          lists: () => false,
        },
        known: { add: () => undefined, find: () => known, touch: () => undefined },
        growing: { add: () => undefined },
        onOutcome: () => undefined,
        signal: t.signal,
      },
    );
  }
  assert.deepEqual(asked, [size, size, size]);
});
