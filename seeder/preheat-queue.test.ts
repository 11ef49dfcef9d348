import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError, UnavailableError } from "../core/errors.ts";
import { formatImageReference, parseImageReference } from "../core/image-reference.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { PreheatQueue } from "./preheat-queue.ts";
import type { PreheatRequest } from "./preheats.ts";

const end = { event: "end", ok: true, bytes: 0, blobs: 0, durationMs: 0 } as const;

/** A queue before preheats that end when a test says so. */
class Bench implements AsyncDisposable {
  readonly logger = new MemoryLogger();
  /** What was begun with, in that order. */
  readonly begun: string[] = [];
  readonly queue: PreheatQueue;
  /** Whether other preheats have all places. */
  full = false;
  #onLook: () => void = () => undefined;
  #ends = new Map<string, (failure: unknown) => void>();
  #onBegun: () => void = () => undefined;

  constructor({ retryPausesMs = [1, 1] } = {}) {
    const hasPlace = () => {
      this.#onLook();
      return !this.full;
    };
    const run = async ({ reference }: PreheatRequest, { signal }: { signal: AbortSignal }) => {
      if (this.full) throw new UnavailableError("as many as may are running");
      const image = formatImageReference(reference).replace("r.example/", "");
      this.begun.push(image);
      this.#onBegun();
      const failure = await new Promise((resolve) => {
        this.#ends.set(image, resolve);
        signal.addEventListener("abort", () => resolve(signal.reason));
      });
      return { end, failure };
    };
    const preheats = {
      run,
      get hasPlace() {
        return hasPlace();
      },
    };
    const { logger } = this;
    this.queue = new PreheatQueue({ preheats, logger, retryPausesMs, placePauseMs: 1 });
  }

  add(...images: string[]): void {
    const references = images.map((image) => parseImageReference(`r.example/${image}`));
    this.queue.add(references.map((reference) => ({ reference })));
  }

  end(image: string, failure?: unknown): void {
    this.#ends.get(image)?.(failure);
    this.#ends.delete(image);
  }

  /** Resolves when so many were begun with since the start. */
  async untilBegun(count: number): Promise<void> {
    while (this.begun.length < count) {
      await new Promise<void>((resolve) => (this.#onBegun = resolve));
    }
  }

  /** Resolves when it was looked for a place so often from now on. */
  async untilLooked(count: number): Promise<void> {
    for (let looks = 0; looks < count; looks++) {
      await new Promise<void>((resolve) => (this.#onLook = resolve));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.queue[Symbol.asyncDispose]();
  }
}

test("images are fetched in their order, a few at once, and each that waits once", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  bench.add("a:1", "b:1", "c:1", "d:1", "e:1", "e:1");
  bench.add("f:1", "e:1");
  await bench.untilBegun(4);
  assert.deepEqual(bench.begun, ["a:1", "b:1", "c:1", "d:1"]);
  assert.equal(bench.queue.count, 2);
  bench.end("c:1");
  await bench.untilBegun(5);
  bench.end("a:1");
  await bench.untilBegun(6);
  assert.deepEqual(bench.begun.slice(4), ["e:1", "f:1"]);
});

test("a tag that is pushed again while it is fetched is fetched again", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  bench.add("a:1");
  await bench.untilBegun(1);
  bench.add("a:1");
  await bench.untilBegun(2);
  assert.deepEqual(bench.begun, ["a:1", "a:1"]);
});

test("more images than may wait are refused together", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  const names = Array.from({ length: 9_999 }, (_, index) => `a:${index}`);
  bench.add("x:1", "x:2", "x:3", "x:4");
  await bench.untilBegun(4);
  bench.add(...names);
  assert.throws(() => bench.add("b:1", "b:2"), UnavailableError);
  assert.equal(bench.queue.count, 9_999);
  bench.add("b:1");
  bench.add("b:1", "a:1");
  assert.equal(bench.queue.count, 10_000);
});

test("what may heal is tried again, so often", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  bench.add("a:1");
  for (const count of [1, 2, 3]) {
    await bench.untilBegun(count);
    bench.end("a:1", new UnavailableError("down"));
  }
  bench.add("b:1");
  await bench.untilBegun(4);
  assert.deepEqual(bench.begun, ["a:1", "a:1", "a:1", "b:1"]);
});

test("an image that finds no place keeps its turn and its tries, however long that takes", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  bench.full = true;
  bench.add("a:1", "b:1");
  await bench.untilLooked(20);
  assert.deepEqual([bench.begun, bench.queue.count], [[], 2]);
  bench.full = false;
  await bench.untilBegun(2);
  for (const count of [3, 4]) {
    bench.end("a:1", new UnavailableError("down"));
    await bench.untilBegun(count);
  }
  assert.deepEqual(bench.begun, ["a:1", "b:1", "a:1", "a:1"]);
  assert.deepEqual(bench.logger.lines, []);
});

test("images that wait for their next try hold up no other", async (t) => {
  const bench = cleanUpOf(t).use(new Bench({ retryPausesMs: [600_000] }));
  const failing = ["a:1", "b:1", "c:1", "d:1"];
  bench.add(...failing, "e:1");
  await bench.untilBegun(4);
  for (const image of failing) bench.end(image, new UnavailableError("down"));
  await bench.untilBegun(5);
  assert.equal(bench.begun[4], "e:1");
  assert.equal(bench.queue.count, 4);
});

test("what cannot heal, or was canceled, is not tried again", async (t) => {
  const bench = cleanUpOf(t).use(new Bench());
  bench.add("a:1", "b:1");
  await bench.untilBegun(2);
  bench.end("a:1", new InvalidArgumentError("no such platform"));
  bench.end("b:1", new DOMException("canceled", "AbortError"));
  bench.add("c:1", "d:1", "e:1");
  await bench.untilBegun(5);
  assert.deepEqual(bench.begun.slice(2), ["c:1", "d:1", "e:1"]);
});

test("at the end it waits for nothing that is under way or waits for its next try", async () => {
  const bench = new Bench({ retryPausesMs: [600_000] });
  bench.add("a:1", "b:1");
  await bench.untilBegun(2);
  bench.end("a:1", new UnavailableError("down"));
  await bench[Symbol.asyncDispose]();
});
