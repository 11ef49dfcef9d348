import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { digestOf } from "../digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  DigestMismatchError,
  ImageNotFoundError,
  UnavailableError,
} from "../errors.ts";
import { manifestLengthMax } from "../image-manifest.ts";
import { type ImageReference, parseImageReference } from "../image-reference.ts";
import { mediaTypes } from "../media-type.ts";
import type { FakeRegistry } from "../testing/fake-registry.ts";
import { openOriginBench as open } from "./registry-origin.test-support.ts";

const repository = "pond/fish";
const layer = Buffer.from("a layer");

function reference(registry: FakeRegistry, rest: string): ImageReference {
  return parseImageReference(`${registry.host}/${repository}${rest}`);
}

test("resolve() tells what a tag or digest names, by HEAD alone", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest } = registry.addImage([layer], `${repository}:v1`);
  assert.deepEqual(await origin.resolve(reference(registry, ":v1"), t), manifest);
  assert.deepEqual(await origin.resolve(reference(registry, `@${manifest.digest}`), t), manifest);
  assert.deepEqual(
    registry.requests.map(({ method }) => method),
    ["HEAD", "HEAD"],
  );
});

test("resolve() reads the manifest where HEAD does not tell all", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest } = registry.addImage([layer], `${repository}:v1`);
  const answers: ((response: ServerResponse) => unknown)[] = [
    (response) => response.writeHead(405).end(),
    (response) => response.writeHead(200, { "content-length": 5 }).end(),
    (response) => response.setHeader("docker-content-digest", "sha256:short").end(),
    (response) => response.setHeader("docker-content-digest", manifest.digest).end(),
  ];
  for (const answer of answers) {
    registry.fault = ({ method }, response) => {
      if (method !== "HEAD") return false;
      answer(response);
      return true;
    };
    assert.deepEqual(await origin.resolve(reference(registry, ":v1"), t), manifest);
  }
});

test("one connection is enough for resolve() and what comes next", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest } = registry.addImage([layer], `${repository}:v1`);
  const connections = new Set<unknown>();
  registry.fault = ({ socket }) => (connections.add(socket), false);
  const descriptor = await origin.resolve(reference(registry, ":v1"), t);
  // It is free in the next turn.
  await setImmediate();
  const from = { registry: registry.host, repository, descriptor };
  for await (const chunk of origin.blob(from, { start: 0, signal: t.signal })) {
    assert.equal(chunk.byteLength, manifest.size);
  }
  assert.equal(registry.requests.length, 2);
  assert.equal(connections.size, 1);
});

test("resolve() does not believe that a digest names something else", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest } = registry.addImage([layer], `${repository}:v1`);
  const other = digestOf(Buffer.from("other"));
  registry.fault = (request, response) => {
    request.url = request.url?.replace(other, manifest.digest) ?? "";
    response.setHeader("docker-content-digest", manifest.digest);
    return false;
  };
  await assert.rejects(origin.resolve(reference(registry, `@${other}`), t), DigestMismatchError);
});

test("resolve() says that there is no such image, or that it cannot be had", async (t) => {
  const { registry, origin } = await open(t);
  const resolve = () => origin.resolve(reference(registry, ":none"), t);
  await assert.rejects(resolve(), ImageNotFoundError);
  registry.fault = (_, response) => response.writeHead(500).end().headersSent;
  await assert.rejects(resolve(), UnavailableError);
});

test("resolve() finds out what a manifest is where the registry does not know", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest, config } = registry.addImage([layer]);
  const documents = [
    [{ config, layers: [] }, mediaTypes.ociManifest],
    [{ manifests: [manifest] }, mediaTypes.ociIndex],
    [{ mediaType: mediaTypes.dockerManifestList, manifests: [] }, mediaTypes.dockerManifestList],
  ] as const;
  for (const [document, mediaType] of documents) {
    const text = Buffer.from(JSON.stringify(document));
    const { digest, size } = registry.addManifest(text, "application/json", `${repository}:v1`);
    const descriptor = await origin.resolve(reference(registry, ":v1"), t);
    assert.deepEqual(descriptor, { mediaType, digest, size });
  }
  registry.addManifest(Buffer.from("<html>"), "text/html", `${repository}:v1`);
  await assert.rejects(origin.resolve(reference(registry, ":v1"), t), UnavailableError);
});

test("resolve() stops reading a manifest that is too long", async (t) => {
  const { registry, origin } = await open(t);
  registry.addManifest(Buffer.alloc(manifestLengthMax + 1), "a/b", `${repository}:v1`);
  await assert.rejects(origin.resolve(reference(registry, ":v1"), t), /too long/);
});

test("describe() tells how long a blob is, and what a manifest is, by HEAD alone", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest, layers } = registry.addImage([layer], `${repository}:v1`);
  const from = { registry: registry.host, repository };
  const digest = layers[0]?.digest ?? manifest.digest;
  const mediaType = "application/octet-stream";
  const described = { mediaType, digest, size: layer.length };
  assert.deepEqual(await origin.describe({ ...from, digest }, t), described);
  assert.deepEqual(await origin.describe({ ...from, digest: manifest.digest }, t), manifest);
  assert.equal(
    registry.requests.every(({ method }) => method === "HEAD"),
    true,
  );
});

test("describe() tells a blob that is not there from a registry that cannot tell", async (t) => {
  const { registry, origin } = await open(t);
  const from = { registry: registry.host, repository, digest: digestOf(layer) };
  await assert.rejects(origin.describe(from, t), BlobNotFoundError);
  for (const answer of [
    (response: ServerResponse) => response.writeHead(500).end(),
    (response: ServerResponse) => response.writeHead(200, { "transfer-encoding": "chunked" }).end(),
    (response: ServerResponse) => response.destroy(),
  ]) {
    registry.fault = (_request, response) => {
      answer(response);
      return true;
    };
    await assert.rejects(origin.describe(from, t), UnavailableError);
  }
  registry.fault = (_request, response) => {
    response.writeHead(403).end();
    return true;
  };
  await assert.rejects(origin.describe(from, t), AccessDeniedError);
});
