import assert from "node:assert/strict";
import { test } from "node:test";

import type { Descriptor } from "../core/descriptor.ts";
import { mediaTypes } from "../core/media-type.ts";
import type { FakeRegistry } from "../core/testing/fake-registry.ts";
import { bytesOf, openRegistry, openTestSeeder } from "./open-test-seeder.test-support.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64", variant: "v8" };
const unknown = { os: "unknown", architecture: "unknown" };
const name = "pond/fish:latest";

/** An index of two platforms, which share a layer, and an attestation. */
function addIndex(registry: FakeRegistry) {
  const shared = bytesOf(1000, "shared");
  const one = registry.addImage([shared, bytesOf(1000, "amd64")]);
  const other = registry.addImage([shared, bytesOf(1000, "arm64")]);
  const attestation = registry.addImage([bytesOf(1000, "attestation")]);
  const index = registry.addIndex(
    [
      { descriptor: one.manifest, platform: amd64 },
      { descriptor: other.manifest, platform: arm64 },
      { descriptor: attestation.manifest, platform: unknown },
    ],
    name,
  );
  return { one, other, attestation, index };
}

function addManifest(registry: FakeRegistry, document: object, tag?: string): Descriptor {
  const { mediaType } = { mediaType: mediaTypes.ociManifest, ...document };
  return registry.addManifest(Buffer.from(JSON.stringify(document)), mediaType, tag);
}

function digestsOf(...parts: readonly (Descriptor | undefined)[]): string[] {
  return [...new Set(parts.map((part) => part?.digest ?? ""))].sort();
}

test("one platform of an index brings its own blobs and no others", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const { one, other, index } = addIndex(registry);
  const { end, blobs } = await preheat({ platforms: ["linux/amd64"] });
  assert.equal(end.ok, true);
  assert.deepEqual(
    [...blobs.keys()].sort(),
    digestsOf(index, one.manifest, one.config, ...one.layers),
  );
  await preheat({ platforms: ["linux/arm64"] });
  assert.equal(registry.requestsFor(one.layers[0]?.digest ?? "").length, 1);
  assert.equal(registry.requestsFor(other.layers[1]?.digest ?? "").length, 1);
});

test("all platforms of an index are all, its attestations too, each blob once", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const { one, other, attestation, index } = addIndex(registry);
  const { end, blobs } = await preheat({ platforms: "all" });
  const images = [one, other, attestation];
  const parts = images.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers]);
  assert.deepEqual([...blobs.keys()].sort(), digestsOf(index, ...parts));
  assert.equal(end.blobs, blobs.size);
});

test("an index without the platform is refused by name, and nothing below it fetched", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  addIndex(registry);
  const { end, blobs } = await preheat({ platforms: ["linux/s390x", "windows/amd64"] });
  assert.equal(end.ok, false);
  assert.match(end.error ?? "", /no such platform/);
  assert.equal(blobs.size, 1);
});

test("indexes in indexes are followed, so far and no further", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const { manifest, config, layers } = registry.addImage([bytesOf(1000, "deep")]);
  let entry: { descriptor: Descriptor; platform?: typeof amd64 } = {
    descriptor: manifest,
    platform: amd64,
  };
  const indexes: Descriptor[] = [];
  for (let depth = 0; depth < 6; depth++) {
    const descriptor = registry.addIndex([entry], `pond/fish:depth-${depth}`);
    indexes.push(descriptor);
    entry = { descriptor };
  }
  const request = (depth: number) => ({ image: `${registry.host}/pond/fish:depth-${depth}` });
  const good = await preheat({ ...request(2), platforms: ["linux/amd64"] });
  assert.equal(good.end.ok, true);
  assert.deepEqual(
    [...good.blobs.keys()].sort(),
    digestsOf(...indexes.slice(0, 3), manifest, config, ...layers),
  );
  const deep = await preheat(request(5));
  assert.equal(deep.end.ok, false);
  assert.match(deep.end.error ?? "", /too deep/);
  const other = await preheat({ ...request(1), platforms: ["linux/s390x"] });
  assert.match(other.end.error ?? "", /no such platform/);
});

test("manifests of Docker's media types, and blobs of no bytes, are fetched like others", async (t) => {
  const { registry, preheat, blob } = await openTestSeeder(t);
  const config = registry.addBlob(
    Buffer.from("{}"),
    "application/vnd.docker.container.image.v1+json",
  );
  const layer = registry.addBlob(
    bytesOf(1000, "layer"),
    "application/vnd.docker.image.rootfs.diff.tar",
  );
  const empty = registry.addBlob(Buffer.alloc(0), "application/vnd.docker.image.rootfs.diff.tar");
  const manifest = addManifest(registry, {
    mediaType: mediaTypes.dockerManifest,
    config,
    layers: [layer, empty, layer],
  });
  addManifest(
    registry,
    { mediaType: mediaTypes.dockerManifestList, manifests: [{ ...manifest, platform: amd64 }] },
    name,
  );
  const { end, blobs } = await preheat({ platforms: ["linux/amd64"] });
  assert.equal(end.ok, true);
  assert.equal(blobs.size, 5);
  assert.equal(blobs.get(empty.digest)?.state, "done");
  assert.equal((await blob(empty.digest)).headers.get("content-length"), "0");
});

test("a blob that cannot be had is told with its reason, and the others go on", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const there = registry.addBlob(bytesOf(1000, "there"), "layer");
  const missing = { ...there, digest: `sha256:${"0".repeat(64)}` };
  const wrong = { ...there, digest: `sha256:${"1".repeat(64)}` };
  registry.fault = ({ url = "" }, response) =>
    url.endsWith(wrong.digest) && response.end(bytesOf(1000, "wrong")).headersSent;
  addManifest(registry, { config: there, layers: [missing, there, wrong] }, name);
  const { end, blobs } = await preheat();
  assert.equal(end.ok, false);
  assert.equal(end.blobs, 2);
  assert.equal(blobs.get(there.digest)?.state, "done");
  assert.equal(blobs.get(missing.digest)?.state, "failed");
  assert.match(blobs.get(missing.digest)?.problem ?? "", /Cannot find blob/);
  assert.match(blobs.get(wrong.digest)?.problem ?? "", /digest is/);
  assert.ok(
    [blobs.get(missing.digest)?.problem, blobs.get(wrong.digest)?.problem].includes(end.error),
  );
});

test("a manifest that cannot be had or read is told, and other platforms go on", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const { manifest, layers } = registry.addImage([bytesOf(1000, "good")]);
  const missing = { ...manifest, digest: `sha256:${"0".repeat(64)}` as const } as Descriptor;
  const nonsense = addManifest(registry, { layers: "many" });
  const huge = { ...manifest, digest: `sha256:${"1".repeat(64)}`, size: 5_000_000 } as Descriptor;
  registry.addIndex(
    [missing, manifest, nonsense, huge].map((descriptor) => ({ descriptor, platform: amd64 })),
    name,
  );
  const { end, blobs } = await preheat();
  assert.equal(end.ok, false);
  assert.equal(blobs.get(layers[0]?.digest ?? "")?.state, "done");
  for (const failed of [missing, nonsense, huge]) {
    assert.equal(blobs.get(failed.digest)?.state, "failed");
    assert.notEqual(blobs.get(failed.digest)?.problem, undefined);
  }
  assert.deepEqual(registry.requestsFor(huge.digest), []);
});

test("an image that is larger than the budget is refused before its layers are fetched", async (t) => {
  const { registry, preheat } = await openTestSeeder(t, { store: { budgetBytes: 3000 } });
  const { layers } = registry.addImage([bytesOf(2000, "a"), bytesOf(2000, "b")], name);
  const { end } = await preheat();
  assert.match(end.error ?? "", /more than the budget/);
  for (const { digest } of layers) assert.deepEqual(registry.requestsFor(digest), []);
});

test("a pinned image stays until what its name stands for now is here", async (t) => {
  const registry = await openRegistry(t);
  const pins = [`${registry.host}/${name}`];
  const seeder = await openTestSeeder(t, { registry, store: { budgetBytes: 6000, pins } });
  const { preheat, url } = seeder;
  const isHere = async (descriptor: Descriptor | undefined) =>
    (await fetch(`${url}/v1/metainfo/${descriptor?.digest ?? ""}`)).ok;
  const [old] = registry.addImage([bytesOf(2000, "old")], name).layers;
  await preheat();
  for (const tag of ["one", "two", "three"]) {
    registry.addImage([bytesOf(2000, tag)], `pond/fish:${tag}`);
    assert.equal((await preheat({ image: `${registry.host}/pond/fish:${tag}` })).end.ok, true);
  }
  assert.equal(await isHere(old), true);
  const [renewed] = registry.addImage([bytesOf(2000, "new")], name).layers;
  assert.equal((await preheat()).end.ok, true);
  registry.addImage([bytesOf(3000, "last")], "pond/fish:last");
  assert.equal((await preheat({ image: `${registry.host}/pond/fish:last` })).end.ok, true);
  assert.equal(await isHere(old), false);
  assert.equal(await isHere(renewed), true);
});

test("two preheats of one image ask its origin once for each blob", async (t) => {
  const { registry, preheat } = await openTestSeeder(t);
  const { manifest, config, layers } = registry.addImage([bytesOf(500_000, "a")], name);
  const both = await Promise.all([preheat(), preheat()]);
  assert.deepEqual(
    both.map(({ end }) => end.ok),
    [true, true],
  );
  for (const { digest } of [manifest, config, ...layers]) {
    assert.equal(registry.requestsFor(digest).length, 1);
  }
});

test("a preheat under way loses nothing to another one, which is told that there is no room", async (t) => {
  const { registry, preheat } = await openTestSeeder(t, { store: { budgetBytes: 6000 } });
  const { layers } = registry.addImage([bytesOf(2000, "first"), bytesOf(2000, "last")], name);
  const [first, last] = layers.map(({ digest }) => digest);
  assert.ok(first !== undefined && last !== undefined);
  registry.addImage([bytesOf(3000, "other")], "pond/fish:other");
  const asked = Promise.withResolvers<() => void>();
  registry.fault = ({ url = "" }, response) => {
    if (!url.endsWith(last)) return false;
    asked.resolve(() => void response.end(bytesOf(2000, "last")));
    return true;
  };
  const slow = preheat();
  const answer = await asked.promise;
  const other = { image: `${registry.host}/pond/fish:other` };
  assert.match((await preheat(other)).end.error ?? "", /preheats under way leave no room/);
  answer();
  assert.equal((await slow).end.ok, true);
  assert.equal(registry.requestsFor(first).length, 1);
  assert.equal((await preheat(other)).end.ok, true);
});
