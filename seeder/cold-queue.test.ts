import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { digestOf } from "../core/digest.ts";
import { UnavailableError } from "../core/errors.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { ColdFetches } from "./cold-fetches.ts";
import type { ColdRequest } from "./cold-request.ts";

/** A seeder whose registries never answer. */
function open(t: TestContext) {
  const begun: string[] = [];
  const hanging = async (what: string, { signal }: Cancellable) => {
    begun.push(what);
    return new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
    );
  };
  const fetches = cleanUpOf(t).use(
    new ColdFetches({
      store: { find: () => undefined },
      cache: {
        arrivalOf: () => undefined,
        hasten: () => undefined,
        begin: async ({ descriptor }, options) => hanging(descriptor.digest, options),
        isQueued: () => false,
        obtain: async ({ descriptor }, options) => hanging(descriptor.digest, options),
      },
      origin: {
        describe: async (_from, options) => hanging("describe", options),
        lists: () => false,
      },
      known: { add: () => undefined, find: () => undefined, touch: () => undefined },
      growing: { add: () => undefined },
      logger: new MemoryLogger(),
    }),
  );
  return { begun, fetches };
}

function requestOf(seed: string, registry = "a.example"): ColdRequest {
  const from = [{ registry, repository: "pond/fish" }];
  return { digest: digestOf(Buffer.from(seed)), size: 1_000_000, mediaType: "layer", from };
}

test("who asks is told within 1.2 s that nothing can be told yet, and the fetch goes on", async (t) => {
  const { begun, fetches } = open(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const asked = fetches.fetch(requestOf("a"), t);
  t.mock.timers.tick(1200);
  await assert.rejects(asked, UnavailableError);
  const again = fetches.fetch(requestOf("a"), t);
  t.mock.timers.tick(1200);
  await assert.rejects(again, UnavailableError);
  assert.equal(begun.length, 1);
});

test("one that leaves has its own reason, and those that stay wait on", async (t) => {
  const { begun, fetches } = open(t);
  const leaving = new AbortController();
  const left = fetches.fetch(requestOf("a"), leaving);
  const staying = fetches.fetch(requestOf("a"), t);
  leaving.abort(new Error("enough"));
  await assert.rejects(left, /enough/);
  await fetches[Symbol.asyncDispose]();
  await assert.rejects(staying, UnavailableError);
  assert.equal(begun.length, 1);
  await assert.rejects(fetches.fetch(requestOf("b"), t), UnavailableError);
});

test("no more blobs are waited for than may be, of one registry half of them, until some are through", async (t) => {
  const { begun, fetches } = open(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const fill = (registry: string) =>
    Array.from({ length: 256 }, (_, index) =>
      fetches.fetch(requestOf(`${registry} ${index}`, registry), t),
    );
  const first = Promise.allSettled(fill("a.example"));
  await assert.rejects(fetches.fetch(requestOf("one more"), t), UnavailableError);
  assert.equal(begun.length, 256);
  const second = Promise.allSettled(fill("b.example"));
  await assert.rejects(fetches.fetch(requestOf("one more", "c.example"), t), UnavailableError);
  assert.equal(begun.length, 512);
  // An hour is too long for any of them.
  t.mock.timers.tick(3_600_000);
  await Promise.all([first, second]);
  for (let turns = 0; turns < 10; turns++) await turn();
  const next = fetches.fetch(requestOf("one more"), t);
  t.mock.timers.tick(2000);
  await assert.rejects(next, UnavailableError);
  assert.equal(begun.length, 513);
});
