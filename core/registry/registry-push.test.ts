import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { digestOf } from "../digest.ts";
import {
  AccessDeniedError,
  DataLossError,
  WriteFailedError,
  WriteRefusedError,
} from "../errors.ts";
import { HostLimits } from "../limits/host-limits.ts";
import { mediaTypes } from "../media-type.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import { type FakeWrites, takeWrites } from "../testing/fake-registry-writes.ts";
import type { Credentials } from "./docker-credentials.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient } from "./registry-client.ts";
import { RegistryPush } from "./registry-push.ts";

const layer = Buffer.alloc(300_000, "layer");
const descriptor = { mediaType: "", digest: digestOf(layer), size: layer.length };

async function open(
  t: TestContext,
  credentials?: Credentials,
): Promise<{ readonly registry: FakeRegistry; push: RegistryPush; readonly writes: FakeWrites }> {
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const dispatcher = createRegistryAgent();
  cleanUpOf(t).defer(() => dispatcher.destroy());
  const source = credentials && { find: async () => credentials };
  const client = new RegistryClient({ dispatcher, endpoints: {}, credentials: source });
  return {
    registry,
    push: new RegistryPush(client, new HostLimits()),
    writes: takeWrites(registry),
  };
}

function placeIn(registry: FakeRegistry) {
  return {
    registry: registry.host,
    repository: "pond/fish",
    digest: descriptor.digest,
    descriptor,
  };
}

async function* chunks(bytes: Buffer = layer) {
  yield bytes.subarray(0, 1000);
  yield bytes.subarray(1000);
}

test("a blob is where it was written to, and was not before", async (t) => {
  const { registry, push } = await open(t);
  const place = placeIn(registry);
  assert.equal(await push.blobSize(place, t), undefined);
  await push.writeBlob(place, { open: () => chunks(), signal: t.signal });
  assert.equal(await push.blobSize(place, t), layer.length);
});

test("a manifest is put under its tag, with its media type", async (t) => {
  const { registry, push } = await open(t);
  const bytes = Buffer.from('{"schemaVersion":2}');
  const place = { registry: registry.host, repository: "pond/fish", digest: digestOf(bytes) };
  assert.equal(await push.hasManifest(place, t), false);
  const mediaType = mediaTypes.ociManifest;
  await push.writeManifest({ ...place, name: "1.0", mediaType, bytes }, t);
  assert.equal(await push.hasManifest(place, t), true);
  const answer = await fetch(`http://${registry.host}/v2/pond/fish/manifests/1.0`);
  assert.equal(answer.headers.get("content-type"), mediaType);
  assert.equal(await answer.text(), bytes.toString());
});

test("a token to push is got once, with the password", async (t) => {
  const { registry, push } = await open(t, {
    ...{ kind: "password", username: "fish", password: "water" },
  });
  registry.login = { scheme: "bearer", authorization: `Basic ${btoa("fish:water")}` };
  const place = placeIn(registry);
  await push.writeBlob(place, { open: () => chunks(), signal: t.signal });
  assert.equal(await push.blobSize(place, t), layer.length);
  const [login, ...more] = registry.requestsFor("/token");
  assert.deepEqual(more, []);
  const { searchParams } = new URL(login?.url ?? "", "http://registry");
  assert.equal(searchParams.get("scope"), "repository:pond/fish:pull,push");
});

test("a token that ends in the middle is got anew, and the blob is sent again", async (t) => {
  const { registry, push } = await open(t);
  registry.login = { scheme: "bearer" };
  const { fault } = registry;
  registry.fault = (request, response) => {
    const isFirstPut = request.method === "PUT" && registry.requestsFor("digest=").length === 1;
    if (isFirstPut) registry.tokens[0] = "ended";
    return !isFirstPut && fault(request, response);
  };
  let opened = 0;
  const openBlob = () => {
    opened++;
    return chunks();
  };
  await push.writeBlob(placeIn(registry), { open: openBlob, signal: t.signal });
  assert.equal(await push.blobSize(placeIn(registry), t), layer.length);
  assert.equal(opened, 2);
});

test("a blob is taken over from another repository where the registry does that", async (t) => {
  const { registry, push, writes } = await open(t);
  const options = { from: "pond/frog", signal: t.signal };
  assert.equal(await push.mountBlob(placeIn(registry), options), false);
  writes.mounts = true;
  assert.equal(await push.mountBlob(placeIn(registry), options), true);
  writes.refusals.set("uploads", 403);
  assert.equal(await push.mountBlob(placeIn(registry), options), false);
});

test("a refusal is told from a registry that cannot now", async (t) => {
  const { registry, push, writes } = await open(t);
  const write = () => push.writeBlob(placeIn(registry), { open: () => chunks(), signal: t.signal });
  for (const [status, expected] of [
    [400, WriteRefusedError],
    [404, WriteRefusedError],
    [405, WriteRefusedError],
    [413, WriteRefusedError],
    [401, AccessDeniedError],
    [403, AccessDeniedError],
    [500, WriteFailedError],
    [307, WriteFailedError],
  ] as const) {
    writes.refusals.set("uploads", status);
    await assert.rejects(write(), expected, String(status));
  }
});

test("an upload that the registry has lost can be tried again", async (t) => {
  const { registry, push, writes } = await open(t);
  writes.refusals.set("an-upload", 404);
  const write = push.writeBlob(placeIn(registry), { open: () => chunks(), signal: t.signal });
  await assert.rejects(write, WriteFailedError);
});

test("bytes that cannot be read are not the registry's fault", async (t) => {
  const { registry, push } = await open(t);
  const lost = new DataLossError("Cannot read");
  async function* broken() {
    yield layer.subarray(0, 10);
    throw lost;
  }
  await assert.rejects(
    push.writeBlob(placeIn(registry), { open: broken, signal: t.signal }),
    (error) => error === lost,
  );
  assert.equal(await push.blobSize(placeIn(registry), t), undefined);
});

test("credentials do not go where a registry sends an upload", async (t) => {
  const { registry, push } = await open(t, {
    ...{ kind: "password", username: "fish", password: "water" },
  });
  registry.login = { scheme: "basic", authorization: `Basic ${btoa("fish:water")}` };
  const elsewhere = await open(t);
  const { fault } = registry;
  registry.fault = (request, response) => {
    if (request.method !== "POST" || request.headers.authorization === undefined) {
      return fault(request, response);
    }
    const location = `http://${elsewhere.registry.host}/v2/a/blobs/uploads/x?state=1`;
    response.writeHead(202, { location }).end();
    return true;
  };
  await push.writeBlob(placeIn(registry), { open: () => chunks(), signal: t.signal });
  assert.deepEqual(
    elsewhere.registry.requests.map(({ method, authorization }) => [method, authorization]),
    [["PUT", undefined]],
  );
});
