import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { type Digest, digestOf } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import type { ContainerdMetadata, InNamespace } from "./containerd-metadata.ts";
import { textImage } from "./layer-node.test-support.ts";
import { LayerRegistrar } from "./layer-registrar.ts";
import type { UnregisteredLayer } from "./unregistered-layers.ts";

const image = textImage(["base", "top"]);
const manifest = digestOf(image.manifest);
const source = "containerd.io/distribution.source.registry.example";
const manifestLabels = { [source]: "library/app", "containerd.io/gc.ref.content.l.0": "x" };

/** A containerd whose leases and blobs are in memory. */
class Metadata implements ContainerdMetadata {
  readonly registered: { digest: Digest; namespace: string; labels: Labels }[] = [];
  readonly leases = new Set<string>();
  /** When they end by themselves. */
  readonly leasesMade: string[] = [];
  /** Called before each change. */
  before: () => Promise<unknown> = async () => undefined;
  /** What is said to a registration. */
  answer = true;

  async namespaces(): Promise<readonly string[]> {
    return ["default"];
  }

  async imageTargets(): Promise<readonly Digest[]> {
    return [];
  }

  async labelsOf(digest: Digest): Promise<Labels | undefined> {
    return digest === manifest ? manifestLabels : undefined;
  }

  async createLease(lease: string, options: InNamespace & { expiresAt: Date }): Promise<void> {
    const { namespace, expiresAt } = options;
    await this.before();
    assert.ok(!this.leases.has(`${namespace} ${lease}`));
    this.leases.add(`${namespace} ${lease}`);
    this.leasesMade.push(expiresAt.toISOString());
  }

  async deleteLease(lease: string, { namespace }: InNamespace): Promise<void> {
    this.leases.delete(`${namespace} ${lease}`);
  }

  async register(
    { digest, labels }: { digest: Digest; labels: Labels },
    { namespace, lease }: InNamespace & { lease: string },
  ): Promise<boolean> {
    await this.before();
    assert.ok(this.leases.has(`${namespace} ${lease}`), "a lease keeps what is registered");
    if (this.answer) this.registered.push({ digest, namespace, labels });
    return this.answer;
  }
}

function open(t: TestContext, { unregistered = [] as UnregisteredLayer[] } = {}) {
  const metadata = new Metadata();
  const logger = new MemoryLogger();
  const arrivals = new Map<Digest, { promised: boolean; settled: () => Promise<void> }>();
  const registrar = cleanUpOf(t).use(
    new LayerRegistrar({
      ...{ metadata, logger, clock: new ManualClock(), pauseMs: () => 0 },
      arrivals: { find: (digest) => arrivals.get(digest) },
      unregistered: async function* () {
        await metadata.before();
        yield* unregistered;
      },
    }),
  );
  return { metadata, logger, arrivals, registrar };
}

function layers(namespace = "default"): UnregisteredLayer[] {
  return image.layers.map((layer) => ({ layer, manifest, namespace }));
}

test("layers that come one after the other are registered under one lease, which ends", async (t) => {
  const { metadata, registrar } = open(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const layer of layers()) {
    registrar.add(layer);
    await registrar.settled("default", t);
  }
  assert.deepEqual(
    metadata.registered.map(({ digest }) => digest),
    image.layers.map(({ descriptor }) => descriptor.digest),
  );
  assert.ok(metadata.leases.has("default shoal-layers"));
  while (metadata.leases.size > 0) {
    t.mock.timers.tick(2000);
    await setImmediate();
  }
  // One hour after what the clock says, for the case that nobody ends it.
  assert.deepEqual(metadata.leasesMade, ["1970-01-01T01:16:40.000Z"]);
});

test("a registered layer says where it came from and what is in it, as a fetched one does", async (t) => {
  const { metadata, registrar } = open(t);
  for (const layer of layers()) registrar.add(layer);
  await registrar.settled("default", t);
  assert.deepEqual(
    metadata.registered.map(({ labels }) => labels),
    image.layers.map(({ diffId }) => ({
      [source]: "library/app",
      "containerd.io/uncompressed": diffId,
    })),
  );
});

test("each namespace has its own round", async (t) => {
  const { metadata, registrar } = open(t);
  for (const layer of [...layers("one"), ...layers("two")]) registrar.add(layer);
  await registrar.settled("one", t);
  await registrar.settled("two", t);
  assert.deepEqual(metadata.registered.map(({ namespace }) => namespace).sort(), [
    ...["one", "one", "two", "two"],
  ]);
});

test("a blob is registered when it is whole; one that containerd relies on already, at once", async (t) => {
  const { metadata, arrivals, registrar } = open(t);
  const whole = Promise.withResolvers<undefined>();
  const [base, top] = image.layers.map(({ descriptor }) => descriptor.digest);
  assert.ok(base && top);
  arrivals.set(top, { promised: false, settled: () => whole.promise });
  arrivals.set(base, { promised: true, settled: () => new Promise(() => undefined) });
  for (const layer of layers()) registrar.add(layer);
  const settled = registrar.settled("default", t);
  while (metadata.registered.length < 1) await setImmediate();
  for (let turn = 0; turn < 20; turn++) await setImmediate();
  assert.deepEqual(
    metadata.registered.map(({ digest }) => digest),
    [base],
  );
  whole.resolve(undefined);
  await settled;
  assert.equal(metadata.registered.length, 2);
});

test("a containerd that is away is tried again, with one warning", async (t) => {
  const { metadata, logger, registrar } = open(t);
  let failures = 0;
  metadata.before = async () => {
    if (++failures <= 3) throw new UnavailableError("Cannot ask containerd");
  };
  for (const layer of layers()) registrar.add(layer);
  await registrar.settled("default", t);
  assert.deepEqual(metadata.registered, [], "a pull does not wait for it");
  while (metadata.registered.length < 2) await setImmediate();
  assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 1);
});

test("a layer that containerd cannot be given is told of, and keeps no other waiting", async (t) => {
  const { metadata, logger, registrar } = open(t);
  metadata.answer = false;
  for (const layer of layers()) registrar.add(layer);
  await registrar.settled("default", t);
  assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 2);
});

test("resume() registers what the last end of the program left out", async (t) => {
  const { metadata, registrar } = open(t, { unregistered: layers() });
  registrar.resume();
  while (metadata.registered.length < 2) await setImmediate();
});

test("resume() says once why containerd cannot be asked", async (t) => {
  const { metadata, registrar, logger } = open(t, { unregistered: layers() });
  let failures = 0;
  const error = new UnavailableError("Cannot ask containerd: connect ENOENT /run/x.sock");
  metadata.before = async () => {
    if (++failures <= 2) throw error;
  };
  registrar.resume();
  while (metadata.registered.length < 2) await setImmediate();
  assert.deepEqual(
    logger.lines.map(({ message, fields }) => [message, fields["error"]]),
    [["cannot look for layers to register", error]],
  );
});

test("resume() ends the leases that a program left which was killed", async (t) => {
  const { metadata, registrar } = open(t);
  metadata.leases.add("default shoal-layers").add("default another's");
  registrar.resume();
  while (metadata.leases.size > 1) await setImmediate();
  assert.deepEqual([...metadata.leases], ["default another's"]);
});

test("the end of the program does not wait for containerd", async (t) => {
  const { metadata, registrar, logger } = open(t);
  metadata.before = async () => Promise.reject(new UnavailableError("Cannot ask containerd"));
  for (const layer of layers()) registrar.add(layer);
  registrar.resume();
  await registrar[Symbol.asyncDispose]();
  for (const layer of layers()) registrar.add(layer);
  assert.equal(metadata.registered.length, 0);
  assert.ok(logger.lines.length <= 2);
});
