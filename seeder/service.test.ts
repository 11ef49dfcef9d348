import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { parseMetainfo } from "../core/metainfo.ts";
import type { ServiceStatus } from "../core/service-status.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { bytesOf, openRegistry, openTestSeeder } from "./open-test-seeder.test-support.ts";

const layers = [bytesOf(100_000, "one"), bytesOf(70_000, "two")];
const name = "pond/fish:latest";

test("a preheated image is served whole, blob by blob, manifests among them", async (t) => {
  const { registry, preheat, blob } = await openTestSeeder(t);
  const image = registry.addImage(layers, name);
  const { end, blobs } = await preheat();
  const parts = [image.manifest, image.config, ...image.layers];
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  const { durationMs, ...result } = end;
  assert.ok(durationMs >= 0);
  assert.deepEqual(result, { event: "end", ok: true, blobs: 4, bytes });
  for (const { digest, size } of parts) {
    assert.equal(blobs.get(digest)?.state, "done");
    assert.equal(blobs.get(digest)?.bytes, size);
    const answer = Buffer.from(await (await blob(digest)).arrayBuffer());
    assert.equal(digestOf(answer), digest);
  }
});

test("the metainfo of a preheated blob names the seeder as peer and as web seed", async (t) => {
  const { registry, seeder, preheat, url } = await openTestSeeder(t);
  const {
    layers: [layer],
  } = registry.addImage(layers, name);
  await preheat();
  assert.ok(layer);
  const response = await fetch(`${url}/v1/metainfo/${layer.digest}`);
  assert.equal(response.headers.get("content-type"), "application/x-bittorrent");
  const body = Buffer.from(await response.arrayBuffer());
  const { infoHash, digest } = parseMetainfo(body);
  assert.equal(digest, layer.digest);
  assert.ok(body.includes(`127.0.0.1:${seeder.swarmPort}`));
  assert.ok(body.includes(`${url}/v1/blobs/${layer.digest}`));

  const escaped = encodeURIComponent(layer.digest);
  assert.equal((await fetch(`${url}/v1/metainfo/${escaped}`)).status, 200);
  const refused = await fetch(`${url}/v1/metainfo/${digest}?refused=${infoHash}`);
  assert.equal(refused.status, 404);
  const put = await fetch(`${url}/v1/metainfo/${digest}`, { method: "PUT", body });
  assert.equal(put.status, 405);
  for (const [path, status] of [
    [`sha256:${"0".repeat(64)}`, 404],
    ["sha256:12", 400],
    ["%", 400],
    ["", 400],
  ] as const) {
    assert.equal((await fetch(`${url}/v1/metainfo/${path}`)).status, status);
  }
});

test("a restarted seeder serves what is on disk, its origin gone and its files damaged", async (t) => {
  const root = testFolder(t);
  const registry = await openRegistry(t);
  const image = registry.addImage(layers, name);
  const first = await openTestSeeder(t, { root, registry });
  await first.preheat();
  await first.seeder[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  for (const prepare of [
    async () => undefined,
    async () => writeFile(join(root, "known-blobs.jsonl"), "{}\nnonsense\n[1]\nnull\n"),
    async () => writeFile(join(root, "pinned-images.json"), "{"),
    async () => rm(join(root, "known-blobs.jsonl")),
  ]) {
    await prepare();
    const { seeder, url, blob } = await openTestSeeder(t, { root, registry });
    for (const { digest } of [image.manifest, image.config, ...image.layers]) {
      assert.equal(digestOf(Buffer.from(await (await blob(digest)).arrayBuffer())), digest);
      assert.equal((await fetch(`${url}/v1/metainfo/${digest}`)).status, 200);
    }
    const status = (await (await fetch(`${url}/v1/status`)).json()) as ServiceStatus;
    assert.equal(status.swarms?.length, 4);
    await seeder[Symbol.asyncDispose]();
  }
});

test("the status tells blobs, what they take, and where they came from", async (t) => {
  const { registry, preheat, url } = await openTestSeeder(t, {
    store: { budgetBytes: 10_000_000 },
    config: { trackers: ["http://127.0.0.1:1"] },
  });
  registry.addImage(layers, name);
  const { end } = await preheat();
  const status = (await (await fetch(`${url}/v1/status`)).json()) as ServiceStatus;
  assert.deepEqual(status.blobs, {
    ...{ owned: 0, cached: 4, arriving: 0 },
    ...{ bytes: end.bytes, budgetBytes: 10_000_000 },
  });
  assert.equal(status.traffic?.originBytes, end.bytes);
  assert.deepEqual(status.ingests, []);
  const [tracker, origin, ...others] = status.sources ?? [];
  assert.deepEqual([tracker?.kind, tracker?.name], ["tracker", "http://127.0.0.1:1"]);
  assert.deepEqual([origin?.kind, origin?.name, origin?.up], ["origin", registry.host, true]);
  assert.equal(origin?.bytes, end.bytes);
  assert.deepEqual(others, []);
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("routes that there are none are not found, and methods that there are none refused", async (t) => {
  const { url } = await openTestSeeder(t);
  for (const [path, method, status] of [
    ["/", "GET", 404],
    ["/v1/blobs", "GET", 404],
    ["/healthz", "POST", 404],
    ["/v1/preheat", "GET", 405],
    [`/v1/blobs/sha256:${"0".repeat(64)}`, "DELETE", 405],
  ] as const) {
    const response = await fetch(url + path, { method });
    assert.equal(response.status, status, path);
    const body = (await response.json()) as { error: { code: string } };
    assert.equal(typeof body.error.code, "string");
  }
});

test("a seeder that cannot start says why, and leaves nothing open", async (t) => {
  const root = testFolder(t);
  for (const config of [
    { credentialsFile: "/nonexistent/config.json" },
    { origins: [{ kind: "registry", host: "a.example", caFile: "/nonexistent/ca.pem" }] },
  ]) {
    await assert.rejects(openTestSeeder(t, { root, config }), {
      name: "FailedPreconditionError",
      message: /Cannot read \/nonexistent\/.*ENOENT/,
    });
  }
  // The folder is free again.
  await openTestSeeder(t, { root });
});
