import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { Credential } from "../core/credential.ts";
import { type Digest, digestOf } from "../core/digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  BlobSizeError,
  StorageFullError,
  UnavailableError,
} from "../core/errors.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { ColdAnswer, ColdBlob } from "../core/ports/cold-source.ts";
import type { Repository } from "../core/ports/origin.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { ColdFetch } from "./cold-fetch.ts";

const layers = ["one", "two", "three"].map((name) => digestOf(Buffer.from(name)));
const [layer, other] = [digestOf(Buffer.from("one")), digestOf(Buffer.from("two"))];
const app: Repository = { registry: "registry.example", repository: "app" };
const whole: ColdAnswer = { state: "whole", size: 7 };

function replyWith(answer: ColdAnswer): (options: Cancellable) => Promise<ColdAnswer | undefined> {
  return async () => answer;
}

/** Seeders that answer with `reply`, and nodes that know of `from`. */
function setUp(from: readonly Repository[] = [app]) {
  const asked: ColdBlob[] = [];
  const bench = {
    asked,
    from,
    reply: replyWith(whole),
    thorough: 0,
  };
  const coldFetch = new ColdFetch({
    source: { fetch: async (blob, options) => (asked.push(blob), bench.reply(options)) },
    repositories: {
      recall: async () => bench.from,
      find: async () => (bench.thorough++, bench.from),
    },
    provenance: { find: () => ({ repositories: [], mediaType: "a/b" }) },
    logger: new MemoryLogger(),
  });
  const ask = (
    digest: Digest,
    { signal }: TestContext,
    { promised = false, authorization = undefined as Credential | undefined } = {},
  ) => coldFetch.ask({ digest, size: 7, promised, authorization }, { withinMs: 60_000, signal });
  return { bench, coldFetch, ask };
}

test("seeders are told what is known of a blob, and their answer is given", async (t) => {
  const { bench, ask } = setUp();
  assert.equal(await ask(layer, t), whole);
  const expected = { digest: layer, size: 7, mediaType: "a/b", from: [app] };
  assert.deepEqual(bench.asked, [{ ...expected, authorization: undefined }]);
});

test("a seeder is responsive once it has answered, and not by being silent", async (t) => {
  const { bench, coldFetch, ask } = setUp();
  bench.reply = async () => undefined;
  await ask(layer, t);
  assert.equal(coldFetch.isResponsive, false);
  bench.reply = replyWith(whole);
  await ask(other, t);
  assert.equal(coldFetch.isResponsive, true);
});

test("a registry that refuses or is down is not tried for each layer of a pull", async (t) => {
  for (const error of [new AccessDeniedError("no"), new UnavailableError("down")]) {
    const { bench, ask } = setUp();
    bench.reply = () => Promise.reject(error);
    for (const each of layers) assert.equal(await ask(each, t), undefined);
    assert.equal(bench.asked.length, 1);
    await ask(layer, t, { authorization: new Credential("Basic b3RoZXI=") });
    await ask(layer, t, { promised: true });
    assert.equal(bench.asked.length, 3);
    assert.equal(bench.thorough, 1);
  }
});

test("what one blob lacks is no reason to leave others out", async (t) => {
  const lacking = [new BlobNotFoundError(layer), new BlobSizeError(7, 8)];
  const full = new UnavailableError("full", { cause: new StorageFullError("full") });
  for (const error of [...lacking, full]) {
    const { bench, ask } = setUp();
    bench.reply = () => Promise.reject(error);
    assert.equal(await ask(layer, t), undefined);
    bench.reply = async () => whole;
    assert.equal(await ask(other, t), whole);
  }
});

test("a blob that a seeder can tell nothing of yet is asked for again later, and others at once", async (t) => {
  const { bench, ask } = setUp();
  bench.reply = () => Promise.reject(new UnavailableError("later", { retryAfterMs: 60_000 }));
  for (let times = 0; times < 2; times++) assert.equal(await ask(layer, t), undefined);
  assert.equal(bench.asked.length, 1);
  bench.reply = async () => whole;
  assert.equal(await ask(other, t), whole);
});

test("a blob that is missing is asked for again as soon as its repository is known", async (t) => {
  const { bench, ask } = setUp([]);
  bench.reply = () => Promise.reject(new BlobNotFoundError(layer));
  assert.equal(await ask(layer, t), undefined);
  bench.reply = async () => whole;
  bench.from = [app];
  assert.equal(await ask(layer, t), whole);
});

/** A seeder that says nothing before the question is given up. */
const silence = ({ signal }: Cancellable) =>
  new Promise<undefined>((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );

/** Has time pass by hand, for timers and what is measured. */
function manualTime(t: TestContext): (durationMs: number) => void {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = performance.now();
  t.mock.method(performance, "now", () => nowMs);
  return (durationMs) => {
    nowMs += durationMs;
    t.mock.timers.tick(durationMs);
  };
}

test("a seeder that says when to ask again does not keep a blob from the swarm for longer", async (t) => {
  const pass = manualTime(t);
  const { bench, ask } = setUp();
  bench.reply = () => Promise.reject(new UnavailableError("later", { retryAfterMs: 30_000 }));
  assert.equal(await ask(layer, t), undefined);
  bench.reply = async () => whole;
  pass(4900);
  assert.equal(await ask(layer, t), undefined);
  pass(200);
  assert.equal(await ask(layer, t), whole);
});

test("a registry that is slow for a seeder is waited for a moment, until its time is over", async (t) => {
  const pass = manualTime(t);
  const { bench, ask } = setUp();
  bench.reply = async () => {
    pass(1200);
    throw new UnavailableError("cannot tell yet");
  };
  assert.equal(await ask(layer, t), undefined);
  for (let waitedMs = 0; waitedMs < 9000; waitedMs += 3000) {
    bench.reply = silence;
    const asking = ask(other, t);
    await new Promise(setImmediate);
    pass(100);
    assert.equal(await asking, undefined);
    // What it has begun meanwhile is had at once.
    bench.reply = replyWith(whole);
    assert.equal(await ask(layer, t), whole);
    pass(3000);
  }
  pass(1000);
  bench.reply = async ({ signal }) => (pass(500), signal.throwIfAborted(), whole);
  assert.equal(await ask(other, t), whole);
});

test("a slow registry, or a silent seeder, does not keep other repositories from seeders", async (t) => {
  const pass = manualTime(t);
  for (const fail of [
    async () => (pass(1200), Promise.reject(new UnavailableError("cannot tell yet"))),
    async () => (pass(60_000), Promise.reject(new DOMException("silent", "TimeoutError"))),
  ]) {
    const { bench, ask } = setUp();
    bench.reply = fail;
    assert.equal(await ask(layer, t), undefined);
    bench.from = [{ ...app, repository: "another" }];
    bench.reply = async ({ signal }) => (pass(500), signal.throwIfAborted(), whole);
    assert.equal(await ask(other, t), whole);
  }
});

test("what turned out to be another blob is not asked for again", async (t) => {
  const { bench, coldFetch, ask } = setUp();
  coldFetch.refuse(layer);
  assert.equal(await ask(layer, t), undefined);
  assert.deepEqual(bench.asked, []);
});

test("a pull that is cancelled is told so", async () => {
  const { bench, coldFetch } = setUp();
  bench.reply = () => Promise.reject(new UnavailableError("down"));
  const signal = AbortSignal.abort(new Error("enough"));
  const blob = { digest: layer, size: 7, promised: false };
  await assert.rejects(coldFetch.ask(blob, { withinMs: 1000, signal }), /enough/);
});
