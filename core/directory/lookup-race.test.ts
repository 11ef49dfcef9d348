import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import type { DirectoryEntry } from "../ports/directory.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { type Racer, raceLookups } from "./lookup-race.ts";

const peers = [{ host: "10.0.0.1", port: 7080 }];
const entry: DirectoryEntry = { metainfo: blobFixture(1000).metainfo, peers, webSeeds: [] };
const bounds = { timeoutMs: 1000, shortTimeoutMs: 50, graceMs: 250 };

/** A service that answers when a test says so. */
class Service implements Racer {
  readonly kind: Racer["kind"];
  readonly failing: boolean;
  readonly answerMs: number | undefined;
  isGivenUp = false;
  readonly answer = Promise.withResolvers<DirectoryEntry | undefined>();

  constructor({ kind = "tracker", failing = false, answerMs }: Partial<Racer> = {}) {
    this.kind = kind;
    this.failing = failing;
    this.answerMs = answerMs;
  }

  gaveUp(): void {
    this.isGivenUp = true;
  }
}

/** A race between services, and the clock that it runs by. */
function race(t: TestContext, services: readonly Service[]) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const result: { found?: DirectoryEntry | undefined; isOver: boolean } = { isOver: false };
  void raceLookups(services, ({ answer }) => answer.promise, bounds).then((found) => {
    Object.assign(result, { found, isOver: true });
  });
  const after = async (durationMs: number) => {
    await settled();
    t.mock.timers.tick(durationMs);
    await settled();
    return result.isOver;
  };
  return { after, result };
}

/** Lets all that was decided be heard of. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("a tracker that is silent while others know nothing is given up soon", async (t) => {
  const [silent, empty] = [new Service(), new Service({ kind: "seeder" })];
  const { after, result } = race(t, [silent, empty]);
  empty.answer.resolve(undefined);
  assert.equal(await after(bounds.graceMs - 1), false);
  assert.equal(await after(1), true);
  assert.equal(result.found, undefined);
  assert.equal(silent.isGivenUp, true, "the next look-up does not wait for it");
  assert.equal(empty.isGivenUp, false);
});

test("a slow tracker is waited for when nobody else answers", async (t) => {
  const [slow, other] = [new Service(), new Service()];
  const { after, result } = race(t, [slow, other]);
  other.answer.reject(new Error("connection refused"));
  assert.equal(await after(bounds.timeoutMs - 1), false);
  slow.answer.resolve(entry);
  assert.equal(await after(0), true);
  assert.equal(result.found, entry);
  assert.equal(slow.isGivenUp, false);
});

test("a tracker that was slow before is waited for as long as it may take", async (t) => {
  const [slow, empty] = [new Service({ answerMs: 300 }), new Service()];
  const { after, result } = race(t, [slow, empty]);
  empty.answer.resolve(undefined);
  assert.equal(await after(899), false);
  slow.answer.resolve(entry);
  assert.equal(await after(0), true);
  assert.equal(result.found, entry);
});

test("a tracker is given up at once when another answers after its time", async (t) => {
  const [silent, late] = [new Service(), new Service({ answerMs: 200 })];
  const { after } = race(t, [silent, late]);
  assert.equal(await after(500), false);
  late.answer.resolve(undefined);
  assert.equal(await after(0), true);
  assert.equal(silent.isGivenUp, true);
});

test("a seeder has all the time, whatever trackers say", async (t) => {
  const [seeder, empty] = [new Service({ kind: "seeder" }), new Service()];
  const { after } = race(t, [seeder, empty]);
  empty.answer.resolve(undefined);
  assert.equal(await after(bounds.timeoutMs - 1), false);
  assert.equal(await after(1), true);
  assert.equal(seeder.isGivenUp, true);
});

test("a service that failed before costs the short bound", async (t) => {
  const [failing, empty] = [new Service({ failing: true }), new Service()];
  const { after } = race(t, [failing, empty]);
  empty.answer.resolve(undefined);
  assert.equal(await after(bounds.shortTimeoutMs - 1), false);
  assert.equal(await after(1), true);
});
