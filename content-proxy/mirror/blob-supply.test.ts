import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import type { Arrival } from "../arrival.ts";
import { BlobSupply } from "./blob-supply.ts";
import { Patience } from "./patience.ts";

const digest = digestOf(Buffer.from("blob"));

test("seeders have what is left of a request's time when the directory took some of it", async (t) => {
  let nowMs = 0;
  const given: number[] = [];
  const supply = new BlobSupply({
    store: { find: () => undefined, open: () => assert.fail() },
    arrivals: { find: () => undefined, start: () => assert.fail(), claim: () => assert.fail() },
    directory: {
      lookup: async () => {
        nowMs += 1500;
        return undefined;
      },
    },
    coldFetch: {
      ask: async (_, { withinMs }) => {
        given.push(withinMs);
        return undefined;
      },
    },
    provenance: { find: () => undefined },
    recent: { hold: () => ({ [Symbol.dispose]: () => undefined }) },
    lastUse: { note: () => undefined },
    logger: new MemoryLogger(),
    settings: { stallTimeoutMs: 1000, streamLayers: true },
  });
  const patience = new Patience({ windowMs: 2000, nowMs: () => nowMs });
  const options = { patience, signal: t.signal };
  await assert.rejects(supply.open({ digest }, options), BlobNotFoundError);
  await assert.rejects(supply.sizeOf({ digest }, options), BlobNotFoundError);
  assert.deepEqual(given, [500, 0]);
});

/** What a {@link BlobSupply} does not ask for a blob whose size is known. */
const unasked = {
  directory: { lookup: () => assert.fail() },
  coldFetch: undefined,
  recent: { hold: () => ({ [Symbol.dispose]: () => undefined }) },
  lastUse: { note: () => undefined },
  logger: new MemoryLogger(),
  settings: { stallTimeoutMs: 1000, streamLayers: true },
};

test("a blob that is held back for too long on a slow link is given while it arrives", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  let nowMs = 0;
  const size = 10_000_000;
  const isHeld: (boolean | undefined)[] = [];
  const arrival = {
    ...{ digest, size, ended: false, failure: undefined, bytesDone: 0, bytesGiven: 0 },
    reliable: async ({ fromWhole, signal }: Parameters<Arrival["reliable"]>[0]) => {
      isHeld.push(fromWhole);
      if (fromWhole !== true) return true;
      return new Promise<boolean>((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason as Error)),
      );
    },
    ...{ locate: () => undefined, read: () => assert.fail(), ready: () => assert.fail() },
  };
  const supply = new BlobSupply({
    ...unasked,
    store: { find: () => undefined, open: () => assert.fail() },
    arrivals: {
      find: () => undefined,
      start: () => arrival,
      claim: () => ({ [Symbol.dispose]: () => undefined }),
    },
    provenance: { find: () => ({ size, repositories: [] }) },
  });
  const patience = new Patience({ windowMs: 2000, nowMs: () => nowMs });
  const opening = supply.open({ digest }, { patience, signal: t.signal });
  for (; nowMs < 100_000; nowMs += 1000) {
    arrival.bytesDone += 10_000;
    t.mock.timers.tick(1000);
  }
  const blob = await opening;
  assert.deepEqual([blob.size, isHeld], [size, [true, false]]);
  await blob[Symbol.asyncDispose]();
});
