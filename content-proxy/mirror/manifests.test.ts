import assert from "node:assert/strict";
import { test } from "node:test";

import { Credential } from "../../core/credential.ts";
import { digestOf } from "../../core/digest.ts";
import { mediaTypes } from "../../core/media-type.ts";
import { type MirrorAnswer, MirrorNode, impatient } from "./mirror-node.test-support.ts";

const layer = Buffer.from("a layer");

function errorCodeOf({ body }: MirrorAnswer): string | undefined {
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
  return errors[0]?.code;
}

test("a tag is what the registry says it is, and HEAD needs nothing else", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  const { status, headers, body } = await mirror.get("/v2/app/manifests/1", { method: "HEAD" });
  assert.equal(status, 200);
  assert.equal(headers["content-type"], mediaTypes.ociManifest);
  assert.equal(headers["content-length"], String(manifest.size));
  assert.equal(headers["docker-content-digest"], manifest.digest);
  assert.equal(headers["docker-distribution-api-version"], "registry/2.0");
  assert.equal(headers.etag, `"${manifest.digest}"`);
  assert.equal(body.length, 0);
  assert.deepEqual(
    mirror.registry.requests.map(({ method }) => method),
    ["HEAD"],
  );
});

function isGet({ method }: { readonly method: string }): boolean {
  return method === "GET";
}

test("a manifest comes from the registry once, and is cached afterwards", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  const { status, headers, body } = await mirror.get("/v2/app/manifests/1");
  assert.deepEqual([status, digestOf(body)], [200, manifest.digest]);
  assert.equal(headers["content-type"], mediaTypes.ociManifest);
  await mirror.storedOne();
  const [record] = mirror.stored;
  assert.deepEqual(
    [record?.digest, record?.owned, record?.provenance],
    [manifest.digest, false, "pull"],
  );
  // containerd's content store, which asks for it next, has it already.
  const pulled = { digest: manifest.digest, size: manifest.size, kind: "manifest" } as const;
  assert.ok(await mirror.node.fetcher.obtain(pulled, t));
  const again = await mirror.get(`/v2/app/manifests/${manifest.digest}`);
  assert.deepEqual([again.status, digestOf(again.body)], [200, manifest.digest]);
  assert.equal(mirror.registry.requestsFor(manifest.digest).length, 1);
});

test("a manifest is given to the next client, too, before it is in the store", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  for (let count = 0; count < 3; count++) {
    const { body } = await mirror.get(`/v2/app/manifests/${manifest.digest}`);
    assert.equal(digestOf(body), manifest.digest);
  }
  assert.equal(mirror.registry.requestsFor("manifests").filter(isGet).length, 1);
});

test("a manifest comes from the swarm where the swarm has it", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer]);
  const fetched = await fetch(`http://${mirror.registry.host}/v2/app/manifests/${manifest.digest}`);
  mirror.node.offer(Buffer.from(await fetched.arrayBuffer()));
  mirror.node.swarm.onDownload = (download) => void mirror.node.fill(download);
  mirror.registry.requests.length = 0;
  const { status, body } = await mirror.get(`/v2/app/manifests/${manifest.digest}`);
  assert.deepEqual([status, digestOf(body)], [200, manifest.digest]);
  assert.deepEqual(mirror.registry.requests, []);
});

test("what passes is remembered: where a blob is from, and how long it is", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest, layers } = mirror.registry.addImage([layer], "team/app:1");
  await mirror.get("/v2/team/app/manifests/1");
  const here = { registry: mirror.registry.host, repository: "team/app" };
  const [described] = layers;
  assert.ok(described);
  assert.deepEqual(mirror.provenance.find(manifest.digest)?.repositories, [here]);
  assert.deepEqual(mirror.provenance.find(described.digest)?.repositories, [here]);
  assert.equal(mirror.provenance.find(described.digest)?.size, layer.length);
});

test("a manifest in a form that the client does not take is left to the registry", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  const headers = { accept: mediaTypes.dockerManifest };
  for (const name of ["1", manifest.digest]) {
    const answer = await mirror.get(`/v2/app/manifests/${name}`, { headers });
    assert.deepEqual([answer.status, errorCodeOf(answer)], [404, "MANIFEST_UNKNOWN"]);
  }
});

test("a client that has the manifest is told so", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  const headers = { "if-none-match": `W/"${manifest.digest}"` };
  assert.equal((await mirror.get("/v2/app/manifests/1", { headers })).status, 304);
  const other = { "if-none-match": `"${digestOf(layer)}"` };
  assert.equal((await mirror.get("/v2/app/manifests/1", { headers: other })).status, 200);
});

test("what the registry does not have is not found", async (t) => {
  const mirror = await MirrorNode.open(t);
  for (const name of ["1", digestOf(layer)]) {
    const answer = await mirror.get(`/v2/app/manifests/${name}`);
    assert.deepEqual([answer.status, errorCodeOf(answer)], [404, "MANIFEST_UNKNOWN"]);
  }
});

test("a registry that lies about a manifest is not passed on", async (t) => {
  const mirror = await MirrorNode.open(t);
  const { manifest } = mirror.registry.addImage([layer], "app:1");
  mirror.registry.fault = ({ method, url }, response) => {
    if (method !== "GET" || url?.includes("manifests") !== true) return false;
    response.end("x".repeat(manifest.size));
    return true;
  };
  const answer = await mirror.get("/v2/app/manifests/1");
  assert.deepEqual([answer.status, errorCodeOf(answer)], [503, "UNAVAILABLE"]);
  assert.deepEqual(mirror.stored, []);
});

test("a registry that hangs costs no more than the bound", async (t) => {
  const mirror = await MirrorNode.open(t, impatient);
  mirror.registry.fault = () => true;
  assert.equal((await mirror.get("/v2/app/manifests/1")).status, 503);
});

test("a registry that is down is told as such", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.registry[Symbol.asyncDispose]();
  const answer = await mirror.get("/v2/app/manifests/1");
  assert.deepEqual([answer.status, errorCodeOf(answer)], [503, "UNAVAILABLE"]);
});

test("who may not see an image gets what the access check says, and nothing is asked", async (t) => {
  const mirror = await MirrorNode.open(t);
  mirror.registry.addImage([layer], "app:1");
  const asked: unknown[] = [];
  mirror.access = async (request) => {
    asked.push({ ...request, authorization: request.authorization?.reveal() });
    const headers = { "www-authenticate": 'Basic realm="x"' };
    return { isAllowed: false, code: "UNAUTHORIZED", message: "Cannot: log in", headers };
  };
  const authorization = "Basic Zm9v";
  const refused = await mirror.get("/v2/app/manifests/1", { headers: { authorization } });
  assert.deepEqual([refused.status, errorCodeOf(refused)], [401, "UNAUTHORIZED"]);
  assert.equal(refused.headers["www-authenticate"], 'Basic realm="x"');
  await mirror.get("/v2/");
  const registry = mirror.registry.host;
  assert.deepEqual(asked, [
    { kind: "manifest", registry, repository: "app", tag: "1", authorization },
    { kind: "base", registry, authorization: undefined },
  ]);
  assert.deepEqual(mirror.registry.requests, []);
});

test("the registry is asked in the name that the access check gives", async (t) => {
  const mirror = await MirrorNode.open(t);
  mirror.registry.login = { scheme: "basic", authorization: "Basic Zm9vOmJhcg==" };
  mirror.registry.addImage([layer], "app:1");
  const anonymous = await mirror.get("/v2/app/manifests/1");
  assert.deepEqual([anonymous.status, errorCodeOf(anonymous)], [403, "DENIED"]);
  const authorization = new Credential("Basic Zm9vOmJhcg==");
  mirror.access = async () => ({ isAllowed: true, authorization });
  assert.equal((await mirror.get("/v2/app/manifests/1")).status, 200);
});

test("what a manifest names arrives side by side before the client asks for it", async (t) => {
  const mirror = await MirrorNode.open(t);
  const layers = [Buffer.from("a first layer"), Buffer.from("a second layer")];
  const { manifest } = mirror.registry.addImage(layers, "app:1");
  for (const bytes of layers) mirror.node.offer(bytes);
  const { downloads } = mirror.node.swarm;
  await mirror.get("/v2/app/manifests/1", { method: "HEAD" });
  await mirror.get(`/v2/app/manifests/${manifest.digest}`, { method: "HEAD" });
  assert.deepEqual(downloads, []);
  const authorization = new Credential("Basic eA==", { registry: mirror.registry.host });
  mirror.access = async () => ({ isAllowed: true, authorization });
  const start = t.mock.method(mirror.node.arrivals, "start");
  const begun = new Promise<void>((resolve) => {
    mirror.node.swarm.onDownload = () => downloads.length === layers.length && resolve();
  });
  await mirror.get("/v2/app/manifests/1");
  await begun;
  for (const digest of layers.map(digestOf)) {
    const asked = start.mock.calls.map(({ arguments: [blob] }) => blob);
    assert.equal(asked.find((blob) => blob.digest === digest)?.authorization, authorization);
  }
  // Neither of them ends, so that none waits for another.
  const arriving = layers.map((bytes) => mirror.node.arrivals.find(digestOf(bytes)));
  assert.ok(arriving.every((arrival) => arrival && !arrival.ended));
});
