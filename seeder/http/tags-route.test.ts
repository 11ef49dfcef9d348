import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { bytesOf, openTestSeeder, type TestSeeder } from "../open-test-seeder.test-support.ts";

const layer = bytesOf(1000, "layer");

interface Told {
  readonly digest: string;
  readonly source: string;
  readonly ageMs: number;
}

/** Asks for what a reference below the fake registry names. */
async function ask({ url, registry }: TestSeeder, name: string, resolve?: string) {
  const query = new URLSearchParams({ ref: `${registry.host}/${name}` });
  if (resolve !== undefined) query.set("resolve", resolve);
  const response = await fetch(`${url}/v1/tags?${query.toString()}`);
  return { status: response.status, body: await response.json() };
}

async function told(seeder: TestSeeder, name: string, resolve: string): Promise<Told> {
  const { status, body } = await ask(seeder, name, resolve);
  assert.equal(status, 200);
  return body as Told;
}

async function open(t: TestContext, config: object = {}) {
  const seeder = await openTestSeeder(t, { config });
  const { manifest } = seeder.registry.addImage([layer], "pond/fish:v1");
  return { seeder, manifest };
}

test("GET /v1/tags tells what the registry says, and remembers it", async (t) => {
  const { seeder, manifest } = await open(t);
  assert.equal((await ask(seeder, "pond/fish:v1", "false")).status, 404);
  assert.deepEqual(seeder.registry.requests, []);
  const { mediaType, digest, size } = manifest;
  const expected = { mediaType, digest, size, source: "registry", ageMs: 0 };
  assert.deepEqual((await ask(seeder, "pond/fish:v1")).body, expected);
  const count = seeder.registry.requests.length;
  assert.equal((await told(seeder, "pond/fish:v1", "false")).source, "cluster");
  assert.equal(seeder.registry.requests.length, count);
});

test("GET /v1/tags follows the rules of the configuration", async (t) => {
  const rule = { tag: "v*", freshForMs: 600_000, staleIfErrorMs: 0 };
  const { seeder } = await open(t, { tags: { rules: [rule] } });
  await told(seeder, "pond/fish:v1", "true");
  const renewed = seeder.registry.addImage([bytesOf(2000, "new")], "pond/fish:v1").manifest;
  const fresh = await told(seeder, "pond/fish:v1", "true");
  assert.equal(fresh.source, "cluster");
  assert.notEqual(fresh.digest, renewed.digest);
  seeder.registry.addImage([layer], "pond/fish:w1");
  await told(seeder, "pond/fish:w1", "true");
  assert.equal((await told(seeder, "pond/fish:w1", "true")).source, "registry");
});

test("GET /v1/tags tells what a preheated image was while its registry is down, also after a restart", async (t) => {
  const { seeder, manifest } = await open(t);
  const { registry, root } = seeder;
  await seeder.preheat({ image: `${registry.host}/pond/fish:v1` });
  await registry[Symbol.asyncDispose]();
  const stale = await told(seeder, "pond/fish:v1", "true");
  assert.deepEqual([stale.digest, stale.source], [manifest.digest, "stale"]);
  await seeder.seeder[Symbol.asyncDispose]();
  const again = await openTestSeeder(t, { root, registry });
  assert.equal((await told(again, "pond/fish:v1", "true")).digest, manifest.digest);
  assert.equal((await ask(again, "pond/fish:v2", "true")).status, 503);
});

test("GET /v1/tags says what is wrong, and what there is not", async (t) => {
  const { seeder } = await open(t);
  assert.equal((await ask(seeder, "pond/frog:v1", "true")).status, 404);
  assert.equal((await ask(seeder, "pond/fish:v1", "perhaps")).status, 400);
  assert.equal((await ask(seeder, "../etc", "true")).status, 400);
  const get = async (query: string, init = {}) =>
    (await fetch(`${seeder.url}/v1/tags${query}`, init)).status;
  assert.equal(await get(""), 400);
  assert.equal(await get(`?ref=${"a".repeat(5000)}`), 400);
  assert.equal(await get(`?ref=10.0.0.1/pond/fish:v1`), 403);
  assert.equal(await get("?ref=a", { method: "POST" }), 405);
  seeder.registry.login = { scheme: "basic", authorization: "Basic x" };
  assert.equal((await ask(seeder, "pond/fish:v1", "true")).status, 403);
});
