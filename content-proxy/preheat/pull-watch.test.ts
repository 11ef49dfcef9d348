import assert from "node:assert/strict";
import { test } from "node:test";

import { type Digest, parseDigest } from "../../core/digest.ts";
import type { IngestStatus } from "../../core/ports/blob-store.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { PullWatch } from "./pull-watch.ts";

const ours = parseDigest(`sha256:${"a".repeat(64)}`);
const others = parseDigest(`sha256:${"b".repeat(64)}`);

/** Downloads and writes under way that a test changes. */
class Bench {
  readonly clock = new ManualClock();
  readonly arriving = new Map<Digest, { bytesDone: number; promised: boolean; ended?: boolean }>();
  readonly claims = new Map<Digest, number>();
  readonly ingests: IngestStatus[] = [];
  readonly watch = new PullWatch({
    arrivals: Object.assign(this.#arrivals(), {
      claimCount: (digest: Digest) => this.claims.get(digest) ?? 0,
    }),
    store: { ingests: () => this.ingests },
    clock: this.clock,
    isOurs: (digest) => digest === ours,
  });

  #arrivals() {
    const { arriving } = this;
    return {
      *[Symbol.iterator]() {
        for (const [digest, state] of arriving) yield { digest, ended: false, ...state };
      },
    };
  }
}

test("nothing, and what preheats fetch, is no pull", () => {
  const bench = new Bench();
  assert.equal(bench.watch.isBusy(), false);
  bench.arriving.set(ours, { bytesDone: 1, promised: false });
  bench.claims.set(ours, 1);
  assert.equal(bench.watch.isBusy(), false);
});

test("a pull counts as long as its bytes come, and a moment longer", () => {
  const bench = new Bench();
  const pulled = { bytesDone: 0, promised: false };
  bench.arriving.set(others, pulled);
  assert.equal(bench.watch.isBusy(), true);
  bench.clock.advance(4000);
  pulled.bytesDone = 10;
  assert.equal(bench.watch.isBusy(), true);
  bench.clock.advance(4999);
  assert.equal(bench.watch.isBusy(), true);
  bench.clock.advance(1);
  assert.equal(bench.watch.isBusy(), false);
  pulled.bytesDone = 11;
  assert.equal(bench.watch.isBusy(), true);
  bench.arriving.delete(others);
  assert.equal(bench.watch.isBusy(), false);
});

test("a pull of a blob that a preheat fetches is a pull", () => {
  for (const [promised, claims] of [
    [true, 1],
    [false, 2],
  ] as const) {
    const bench = new Bench();
    bench.arriving.set(ours, { bytesDone: 1, promised });
    bench.claims.set(ours, claims);
    assert.equal(bench.watch.isBusy(), true);
  }
});

test("what has just come is no pull", () => {
  const bench = new Bench();
  bench.arriving.set(others, { bytesDone: 1, promised: true, ended: true });
  assert.equal(bench.watch.isBusy(), false);
});

test("what containerd writes is a pull, until it stands still", () => {
  const bench = new Bench();
  const status = { ref: "layer", offset: 0, total: 10, startedAt: 0n, updatedAt: 0n };
  bench.ingests.push(status);
  assert.equal(bench.watch.isBusy(), true);
  bench.clock.advance(5000);
  assert.equal(bench.watch.isBusy(), false);
});
