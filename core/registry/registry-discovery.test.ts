import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";

import { digestOf } from "../digest.ts";
import { AccessDeniedError, ImageNotFoundError, UnavailableError } from "../errors.ts";
import { mediaTypes } from "../media-type.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { openRegistries } from "./open-registries.ts";
import type { RegistryDiscovery } from "./registry-discovery.ts";

const digest = digestOf(Buffer.from("a manifest"));

async function open(t: TestContext) {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const registries = cleanUpOf(t).use(await openRegistries({ registries: [] }));
  const discovery: RegistryDiscovery = registries.discovery;
  return { registry, discovery, place: { registry: registry.host, repository: "app" } };
}

function answering(body: string, headers = {}) {
  return (_: IncomingMessage, response: ServerResponse): boolean => {
    response.writeHead(200, headers).end(body);
    return true;
  };
}

test("tags are asked for as the caller wants them, and tell where the next ones begin", async (t) => {
  const { registry, discovery, place } = await open(t);
  const link = '<https://elsewhere.example/x?last=b&n=2>; rel="next"';
  registry.fault = answering('{"name":"app","tags":["a","b"]}', { link });
  const page = await discovery.tags({ ...place, count: 2, last: "0" }, t);
  assert.deepEqual(page, { tags: ["a", "b"], next: { last: "b", count: 2 } });
  assert.equal(registry.requests[0]?.url, "/v2/app/tags/list?n=2&last=0");
  registry.fault = answering('{"name":"app","tags":null}', { link: "<x>; rel=next" });
  assert.deepEqual(await discovery.tags(place, t), { tags: [], next: undefined });
});

test("what is no list of tags is not taken for one", async (t) => {
  const { registry, discovery, place } = await open(t);
  for (const body of ["", "[]", '{"tags":{}}', "<html>", `{"tags":["${"a".repeat(5_000_000)}"]}`]) {
    registry.fault = answering(body);
    await assert.rejects(discovery.tags(place, t), UnavailableError);
  }
  registry.fault = answering('{"tags":["good","no tag","../x",7,null]}');
  assert.deepEqual((await discovery.tags(place, t)).tags, ["good"]);
});

test("a registry without the repository, and one that refuses, are told apart", async (t) => {
  const { registry, discovery, place } = await open(t);
  await assert.rejects(discovery.tags(place, t), ImageNotFoundError);
  registry.login = { scheme: "basic", authorization: "Basic Zm9v" };
  await assert.rejects(discovery.tags(place, t), AccessDeniedError);
  await assert.rejects(discovery.referrers({ ...place, digest }, t), AccessDeniedError);
});

test("referrers are the registry's index, or what the tag that stands in has, or none", async (t) => {
  const { registry, discovery, place } = await open(t);
  const none = await discovery.referrers({ ...place, digest }, t);
  const empty = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
  assert.deepEqual(JSON.parse(Buffer.from(none.index).toString()), empty);
  const { manifest } = registry.addImage([Buffer.from("a layer")]);
  const index = registry.addIndex(
    [{ descriptor: manifest }],
    `app:${digest.replace("sha256:", "sha256-")}`,
  );
  const standIn = await discovery.referrers({ ...place, digest }, t);
  assert.equal(digestOf(standIn.index), index.digest);
  registry.fault = answering(JSON.stringify(empty), { "oci-filters-applied": "artifactType" });
  const told = await discovery.referrers({ ...place, digest, artifactType: "a/b+c" }, t);
  assert.equal(told.isFiltered, true);
  assert.equal(registry.requests.at(-1)?.url, `/v2/app/referrers/${digest}?artifactType=a%2Fb%2Bc`);
});

test("what is no index is not passed on as referrers", async (t) => {
  const { registry, discovery, place } = await open(t);
  for (const body of ["{}", "[]", '{"manifests":[{"digest":"x"}]}', '{"config":{},"layers":[]}']) {
    registry.fault = answering(body);
    await assert.rejects(discovery.referrers({ ...place, digest }, t), UnavailableError);
  }
  registry.fault = answering('{"manifests":[]}', { link: '</v2/x>; rel="next"' });
  await assert.rejects(discovery.referrers({ ...place, digest }, t), /several parts/);
});
