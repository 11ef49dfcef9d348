import assert from "node:assert/strict";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { once } from "node:events";
import { type TestContext, test } from "node:test";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { Credential } from "../../core/credential.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { AccessDeniedError, ImageNotFoundError, UnavailableError } from "../../core/errors.ts";
import { type ImageReference, parseImageReference } from "../../core/image-reference.ts";
import { openRegistries } from "../../core/registry/open-registries.ts";
import { rendezvousOrder } from "../../core/rendezvous.ts";
import type { TagAnswer } from "../../core/tags/tag-answer.ts";
import type { TagRule } from "../../core/tags/tag-policy.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { FakeRegistry } from "../../core/testing/fake-registry.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import { ClusterTagResolver } from "./cluster-tag-resolver.ts";
import { connectTags } from "./connect-tags.ts";

const tag = "pond/fish:v1";
const credential = new Credential(`Basic ${Buffer.from("client:line").toString("base64")}`);

/** Answers in place of a seeder: with that status, with what it knows, or not at all. */
type Says = number | "nothing" | Pick<TagAnswer, "source" | "ageMs">;

interface Bench {
  readonly clock: ManualClock;
  readonly registry: FakeRegistry;
  readonly reference: ImageReference;
  /** Digests of two images in the registry; the tag names the first. */
  readonly images: readonly [Digest, Digest];
  /** Seeders in the order in which they are asked. */
  readonly seeders: readonly FakeSeeder[];
  readonly resolve: (options?: {
    authorization?: Credential;
    reference?: ImageReference;
  }) => Promise<readonly [digest: string, source: string]>;
}

/** Knows the second image of the bench, unless a test says else. */
interface FakeSeeder {
  readonly url: string;
  resolves: Says;
  recalls: Says;
  descriptor: TagAnswer["descriptor"];
  /** Queries that came. */
  readonly asked: string[];
  /** Headers that came, as text. */
  readonly headers: string[];
  readonly close: () => Promise<void>;
}

async function open(
  t: TestContext,
  {
    seedersCount = 2,
    outageAfterMs = 60_000,
    rules = [],
  }: { seedersCount?: number; outageAfterMs?: number; rules?: readonly TagRule[] } = {},
): Promise<Bench> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const other = registry.addImage([Buffer.from("other")], "pond/other:v1").manifest;
  const { manifest } = registry.addImage([Buffer.from("layer")], tag);
  const reference = parseImageReference(`${registry.host}/${tag}`);
  const opened = await Promise.all(
    Array.from({ length: seedersCount }, () => openSeeder(t, other)),
  );
  const started = cleanUpOf(t).use(new DisposeStack());
  const { origin } = started.use(await openRegistries({ registries: [] }));
  const urls = opened.map(({ url }) => url);
  const clock = new ManualClock();
  const tags = { rules: [...rules], outageAfterMs };
  const resolver = connectTags({ seeders: urls, tags }, { origin, clock, started });
  const order = rendezvousOrder(`${registry.host}/${tag}`, urls);
  return {
    ...{ clock, registry, reference },
    images: [manifest.digest, other.digest],
    seeders: order.flatMap((url) => opened.filter((seeder) => seeder.url === url)),
    resolve: async ({ authorization, reference: asked = reference } = {}) => {
      const resolved = await resolver.resolve(asked, { authorization, signal: t.signal });
      return [resolved.descriptor.digest, resolved.source];
    },
  };
}

async function openSeeder(
  t: TestContext,
  descriptor: TagAnswer["descriptor"],
): Promise<FakeSeeder> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address !== "string");
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  cleanUpOf(t).defer(close);
  const url = `http://127.0.0.1:${address.port}`;
  const says = { resolves: 404, recalls: 404, descriptor } as const;
  const seeder: FakeSeeder = { url, ...says, asked: [], headers: [], close };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const query = new URL(request.url ?? "", url).searchParams;
    const doesResolve = query.get("resolve") === "true";
    seeder.asked.push(doesResolve ? "resolve" : "recall");
    seeder.headers.push(JSON.stringify(request.headers));
    const says = doesResolve ? seeder.resolves : seeder.recalls;
    if (says === "nothing") return;
    if (typeof says === "number") response.writeHead(says).end("{}");
    else response.end(JSON.stringify({ ...seeder.descriptor, ...says }));
  });
  return seeder;
}

function says(source: TagAnswer["source"], ageMs = 0): Says {
  return { source, ageMs };
}

test("one seeder asks the registry for all, and the node does not", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.resolves = says("registry");
  assert.deepEqual(await resolve(), [images[1], "registry"]);
  assert.deepEqual(
    seeders.map(({ asked }) => asked.includes("resolve")),
    [true, false],
  );
  assert.deepEqual(registry.requests, []);
});

test("the next seeder is asked where one is gone, and the registry where all are", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.resolves = says("registry");
  await seeders[0]?.close();
  assert.deepEqual(await resolve(), [images[1], "registry"]);
  assert.deepEqual(registry.requests, []);
  await seeders[1]?.close();
  assert.deepEqual(await resolve(), [images[0], "registry"]);
});

test("the registry is asked by a node without seeders", async (t) => {
  const { images, resolve } = await open(t, { seedersCount: 0 });
  assert.deepEqual(await resolve(), [images[0], "registry"]);
});

test("a tag that was pushed through any seeder is what was pushed", async (t) => {
  const { images, seeders, resolve } = await open(t, { seedersCount: 3 });
  const [first, , last] = seeders;
  assert.ok(first && last);
  first.resolves = says("registry");
  last.recalls = says("pushed");
  assert.deepEqual(await resolve(), [images[1], "pushed"]);
  first.resolves = 404;
  assert.deepEqual(await resolve(), [images[1], "pushed"]);
});

/** A node that tells tags from memory for a minute, of which a busy test takes as long as it likes. */
async function openFresh(t: TestContext): Promise<Bench> {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  return open(t, { rules: [{ freshForMs: 60_000, staleIfErrorMs: 0 }] });
}

test("a tag that is pushed is told at once, even where what it named is fresh", async (t) => {
  const { images, seeders, resolve } = await openFresh(t);
  for (const seeder of seeders) seeder.resolves = 503;
  assert.deepEqual(await resolve(), [images[0], "registry"]);
  const [, last] = seeders;
  assert.ok(last);
  last.recalls = says("pushed");
  assert.deepEqual(await resolve(), [images[1], "pushed"]);
});

test("what a pushed tag names is told, too, when its registry has it, and as long as it is fresh", async (t) => {
  const { clock, images, seeders, resolve } = await openFresh(t);
  for (const seeder of seeders) seeder.resolves = 503;
  await resolve();
  clock.advance(50_000);
  const [, last] = seeders;
  assert.ok(last);
  last.recalls = says("cluster", 40_000);
  assert.deepEqual(await resolve(), [images[1], "cluster"]);
  last.recalls = 404;
  clock.advance(19_999);
  assert.deepEqual(await resolve(), [images[1], "cluster"]);
  clock.advance(1);
  assert.deepEqual(await resolve(), [images[0], "registry"]);
});

test("what a seeder knows longer than the node is not told instead", async (t) => {
  const { clock, images, seeders, resolve } = await openFresh(t);
  for (const seeder of seeders) seeder.resolves = 503;
  await resolve();
  clock.advance(1000);
  for (const seeder of seeders) seeder.recalls = says("cluster", 1001);
  assert.deepEqual(await resolve(), [images[0], "cluster"]);
});

test("seeders are asked for what is fresh once in a second, however many pull", async (t) => {
  const { clock, seeders, resolve } = await openFresh(t);
  for (const seeder of seeders) seeder.resolves = 503;
  await resolve();
  const [, last] = seeders;
  assert.ok(last);
  last.asked.length = 0;
  await Promise.all(Array.from({ length: 20 }, async () => resolve()));
  clock.advance(999);
  await resolve();
  assert.deepEqual(last.asked, ["recall"]);
  clock.advance(1);
  await resolve();
  assert.deepEqual(last.asked, ["recall", "recall"]);
});

test("a seeder that was told since is believed above one whose memory is fresh", async (t) => {
  const { images, seeders, resolve } = await open(t);
  const [first, last] = seeders;
  assert.ok(first && last);
  first.resolves = says("cluster", 5000);
  last.recalls = says("cluster", 6000);
  first.descriptor = { ...first.descriptor, digest: images[0] };
  assert.deepEqual(await resolve(), [images[0], "cluster"]);
  last.recalls = says("cluster", 4000);
  assert.deepEqual(await resolve(), [images[1], "cluster"]);
});

test("what a seeder only remembers is nothing while the registry answers", async (t) => {
  const { images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.recalls = says("cluster");
  for (const seeder of seeders) seeder.resolves = 503;
  assert.deepEqual(await resolve(), [images[0], "registry"]);
});

test("what any seeder remembers is told when nobody reaches the registry, but not for latest", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  await registry[Symbol.asyncDispose]();
  for (const seeder of seeders) seeder.resolves = 503;
  await assert.rejects(resolve(), UnavailableError);
  const [first, last] = seeders;
  assert.ok(first && last);
  last.recalls = says("cluster", 3_600_000);
  assert.deepEqual(await resolve(), [images[1], "stale"]);
  const latest = parseImageReference(`${registry.host}/pond/fish:latest`);
  await assert.rejects(resolve({ reference: latest }), UnavailableError);
});

test("what a seeder remembers for too long is not told", async (t) => {
  const { registry, seeders, resolve } = await open(t);
  await registry[Symbol.asyncDispose]();
  for (const seeder of seeders) seeder.recalls = says("cluster", 12 * 3_600_000);
  for (const seeder of seeders) seeder.resolves = 503;
  await assert.rejects(resolve(), UnavailableError);
});

test("what the node itself has heard is told when nobody answers any more", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.resolves = says("registry");
  await resolve();
  await registry[Symbol.asyncDispose]();
  for (const seeder of seeders) await seeder.close();
  assert.deepEqual(await resolve(), [images[1], "stale"]);
});

test("the registry's own no is passed on, whatever a seeder remembers", async (t) => {
  const { registry, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.recalls = says("cluster");
  await assert.rejects(resolve(), ImageNotFoundError);
  assert.deepEqual(registry.requests, []);
});

test("the registry is asked where it refuses the seeder, and may refuse the node, too", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.resolves = 403;
  assert.deepEqual(await resolve(), [images[0], "registry"]);
  registry.login = { scheme: "basic", authorization: credential.reveal() };
  await assert.rejects(resolve(), AccessDeniedError);
});

test("a client's credential goes to the registry, and to no seeder", async (t) => {
  const { registry, images, seeders, resolve } = await open(t);
  registry.login = { scheme: "basic", authorization: credential.reveal() };
  for (const seeder of seeders) seeder.resolves = says("registry");
  assert.deepEqual(await resolve({ authorization: credential }), [images[0], "registry"]);
  for (const { asked, headers } of seeders) {
    assert.deepEqual(asked, ["recall"]);
    assert.doesNotMatch(headers.join(), /authorization|Basic|line/);
  }
});

test("a seeder that hangs is given up soon, and not asked by the next pull", async (t) => {
  const { images, seeders, resolve } = await open(t, { seedersCount: 1, outageAfterMs: 500 });
  const [seeder] = seeders;
  assert.ok(seeder);
  seeder.resolves = seeder.recalls = "nothing";
  // It is left open whether the registry has the time to answer this time.
  await resolve().catch((error: unknown) => assert.ok(error instanceof UnavailableError));
  const asked = seeder.asked.length;
  assert.deepEqual(await resolve(), [images[0], "registry"]);
  assert.equal(seeder.asked.length, asked);
});

test("nonsense of a seeder is no answer", async (t) => {
  const { images, seeders, resolve } = await open(t);
  for (const seeder of seeders) seeder.resolves = seeder.recalls = 200;
  assert.deepEqual(await resolve(), [images[0], "registry"]);
});

/** A resolver with one seeder that does not tell what the registry says, and the time by hand. */
function openSilent(t: TestContext, { recalls }: { readonly recalls: boolean }) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise, resolve: tell } = Promise.withResolvers<TagAnswer>();
  let asked = 0;
  let leftAlone = 0;
  const descriptor = { mediaType: "a/b", digest: digestOf(Buffer.from("image")), size: 7 };
  const seeder = {
    answerCount: 0,
    leaveAlone: () => leftAlone++,
    resolve: () => promise,
    recall: async () => {
      await new Promise(setImmediate);
      if (recalls) seeder.answerCount++;
      return undefined;
    },
  };
  const origin = { resolve: async () => (asked++, descriptor) };
  const resolver = new ClusterTagResolver({
    ...{ origin, clock: new ManualClock(), rules: [], outageAfterMs: 1500 },
    seeders: new Map([["http://seeder", seeder]]),
  });
  const reference = parseImageReference("registry.example/pond/fish:v1");
  return {
    resolve: () => resolver.resolve(reference, t),
    pass: async (durationMs: number) => {
      t.mock.timers.tick(durationMs);
      await new Promise(setImmediate);
    },
    askedCount: () => asked,
    leftAloneCount: () => leftAlone,
    tell: () => tell({ descriptor, source: "cluster", ageMs: 0 }),
  };
}

test("the registry is asked beside a seeder that hangs", async (t) => {
  const { resolve, pass, askedCount, leftAloneCount } = openSilent(t, { recalls: false });
  const resolving = resolve();
  await pass(0);
  await pass(499);
  assert.equal(askedCount(), 0);
  await pass(1);
  assert.equal((await resolving).source, "registry");
  assert.equal(leftAloneCount(), 1);
});

test("the registry is not asked by each node because it is slow to answer the seeder", async (t) => {
  const { resolve, pass, askedCount, leftAloneCount, tell } = openSilent(t, { recalls: true });
  const resolving = resolve();
  await pass(0);
  await pass(0);
  await pass(500);
  await pass(900);
  tell();
  assert.equal((await resolving).descriptor.size, 7);
  assert.equal(leftAloneCount(), 0);
  assert.equal(askedCount(), 0);
});
