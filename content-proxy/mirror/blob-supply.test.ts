import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { BlobNotFoundError } from "../../core/errors.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
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
