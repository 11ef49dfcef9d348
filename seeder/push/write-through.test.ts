import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { bytesOf } from "../open-test-seeder.test-support.ts";
import { type PushBench, atRegistry, openPushBench, settled } from "./push-bench.test-support.ts";

const layer = bytesOf(300_000, "layer");

/** What waits, as `kind state` of each. */
async function waitingIn({ pushes }: PushBench): Promise<string[]> {
  return (await pushes()).list.map(({ kind, state }) => `${kind} ${state}`).sort();
}

/** Waits until what waits is as expected. */
async function waitFor(bench: PushBench, expected: readonly string[]): Promise<void> {
  const deadline = AbortSignal.timeout(60_000);
  while (String(await waitingIn(bench)) !== String(expected)) deadline.throwIfAborted();
}

async function tagOf({ url, registry }: PushBench, tag: string): Promise<Response> {
  const reference = encodeURIComponent(`${registry.host}/pond/fish:${tag}`);
  return fetch(`${url}/v1/tags?ref=${reference}&resolve=true`);
}

test("a push while the registry is down arrives when it is back, also after a restart", async (t) => {
  const root = testFolder(t);
  const first = await openPushBench(t, { root });
  first.writes.refusals.set("uploads", 500);
  const { answer, manifest } = await first.pushImage([layer]);
  assert.equal(answer.status, 201);
  await first.seeder[Symbol.asyncDispose]();
  assert.equal((await atRegistry(first.registry, "pond/fish/manifests/1")).status, 404);

  const second = await openPushBench(t, { root, registry: first.registry });
  await settled(second);
  const there = await atRegistry(first.registry, "pond/fish/manifests/1");
  assert.equal(there.headers.get("docker-content-digest"), manifest.digest);
  const writes = first.registry.requests.filter(({ method }) => method === "PUT");
  const kinds = writes.map(({ url }) =>
    url.includes("/manifests/") ? url.split("/").at(-1) : "blob",
  );
  assert.deepEqual(kinds, ["blob", "blob", manifest.digest, "1"]);
});

test("what its registry has not got is not evicted, and is told of tags before the registry", async (t) => {
  const root = testFolder(t);
  const store = { budgetBytes: 500_000 };
  const first = await openPushBench(t, { root, store });
  first.writes.refusals.set("uploads", 500);
  const { manifest } = await first.pushImage([layer]);
  first.registry.addImage([bytesOf(250_000, "other")], "pond/fish:other");
  const image = `${first.registry.host}/pond/fish:other`;
  assert.equal((await first.preheat({ image })).end.ok, false);
  const { digest, source } = (await (await tagOf(first, "1")).json()) as Record<string, string>;
  assert.deepEqual([digest, source], [manifest.digest, "pushed"]);
  await first.seeder[Symbol.asyncDispose]();
  // A smaller budget at the next start changes nothing of that.
  const again = { root, registry: first.registry, store: { budgetBytes: 1000 } };
  const second = await openPushBench(t, again);
  assert.equal((await second.blob(digestOf(layer))).status, 200);
  await settled(second);
  assert.equal((await atRegistry(first.registry, "pond/fish/manifests/1")).status, 200);
});

test("a refusal is kept and told, does not hold up others, and is tried when somebody says so", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.refusals.set("pond/fish/blobs", 403);
  await bench.pushImage([layer]);
  await bench.pushImage([bytesOf(1000, "other")], "pond/frog:1");
  await waitFor(bench, [
    "blob refused",
    "blob refused",
    "manifest behind others",
    "tag behind others",
  ]);
  assert.equal((await atRegistry(bench.registry, "pond/frog/manifests/1")).status, 200);
  const { refused, list } = await bench.pushes();
  assert.equal(refused, 2);
  assert.match(list[0]?.problem ?? "", /refuses us/);
  assert.ok(
    bench.logger.lines.some(({ level, message }) => level === "error" && /kept/.test(message)),
  );

  bench.writes.refusals.clear();
  for (const { id, state } of list) {
    if (state !== "refused") continue;
    const answer = await fetch(`${bench.url}/v1/pushes/${id}`, { method: "POST" });
    assert.equal(answer.status, 200);
  }
  await settled(bench);
  assert.equal((await atRegistry(bench.registry, "pond/fish/manifests/1")).status, 200);
});

test("a push that somebody gives up is forgotten, with its tag", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.refusals.set("pond/fish/blobs", 403);
  await bench.pushImage([layer]);
  await waitFor(bench, [
    "blob refused",
    "blob refused",
    "manifest behind others",
    "tag behind others",
  ]);
  const list = [...(await bench.pushes()).list];
  for (const kind of ["manifest", "blob", "blob"]) {
    const { id } =
      list.splice(
        list.findIndex((push) => push.kind === kind),
        1,
      )[0] ?? {};
    const answer = await fetch(`${bench.url}/v1/pushes/${id}`, { method: "DELETE" });
    assert.equal(answer.status, 200, await answer.text());
  }
  assert.equal((await bench.pushes()).waiting, 0);
  assert.equal((await tagOf(bench, "1")).status, 404);
  const unknown = await fetch(`${bench.url}/v1/pushes/none`, { method: "DELETE" });
  assert.equal(unknown.status, 404);
});

test("a tag that is pushed again before it arrived is what it was pushed as last", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.refusals.set("uploads", 500);
  await bench.pushImage([layer]);
  const { manifest, bytes } = await bench.pushImage([bytesOf(1000, "newer")]);
  const { digest } = (await (await tagOf(bench, "1")).json()) as { digest: string };
  assert.equal(digest, manifest.digest);
  assert.equal(await (await bench.send("pond/fish/manifests/1")).text(), bytes.toString());
  bench.writes.refusals.clear();
  await settled(bench);
  const there = await atRegistry(bench.registry, "pond/fish/manifests/1");
  assert.equal(there.headers.get("docker-content-digest"), manifest.digest);
  // From then on the registry says what the tag is.
  bench.registry.addImage([bytesOf(10, "newest")], "pond/fish:1");
  const { source } = (await (await tagOf(bench, "1")).json()) as { source: string };
  assert.equal(source, "registry");
});

test("after a crash the registry decides what a tag is that nothing waits for any more", async (t) => {
  const root = testFolder(t);
  const first = await openPushBench(t, { root });
  const { registry } = first;
  await first.seeder[Symbol.asyncDispose]();
  const descriptor = { mediaType: "manifest", digest: digestOf(layer), size: 10 };
  const reference = `${registry.host}/pond/fish:1`;
  const entry = { reference, descriptor, source: "pushed", knownAtMs: 0 };
  await writeFile(join(root, "tags.jsonl"), JSON.stringify(entry));
  registry.addImage([layer], "pond/fish:1");
  const second = await openPushBench(t, { root, registry });
  const { source } = (await (await tagOf(second, "1")).json()) as { source: string };
  assert.equal(source, "registry");
});

test("a blob that the registry has is not sent to it", async (t) => {
  const bench = await openPushBench(t);
  bench.registry.addBlob(layer);
  assert.equal((await bench.pushBlob(layer)).status, 201);
  await settled(bench);
  assert.deepEqual(
    bench.registry.requests.map(({ method }) => method),
    ["HEAD"],
  );
});

test("a blob from another repository of the registry is taken over there", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.mounts = true;
  bench.writes.refusals.set("pond/frog", 500);
  await bench.pushBlob(layer, "pond/frog");
  const path = `pond/fish/blobs/uploads/?mount=${digestOf(layer)}&from=pond/frog`;
  assert.equal((await bench.send(path, { method: "POST" })).status, 201);
  bench.writes.refusals.clear();
  await settled(bench);
  const [mount] = bench.registry.requestsFor("pond/fish/blobs/uploads");
  assert.match(mount?.url ?? "", /mount=sha256%3A.*from=pond%2Ffrog/);
});

test("an upload goes on after a restart, and ends when nobody goes on with it", async (t) => {
  const root = testFolder(t);
  const first = await openPushBench(t, { root });
  const begun = await first.send("pond/fish/blobs/uploads/", { method: "POST" });
  const path = (begun.headers.get("location") ?? "").slice("/v2/".length);
  const half = { method: "PATCH", body: layer.subarray(0, 150_000) };
  assert.equal((await first.send(path, half)).status, 202);
  await first.seeder[Symbol.asyncDispose]();

  const { registry } = first;
  const second = await openPushBench(t, { root, registry });
  assert.equal((await second.send(path)).headers.get("range"), "0-149999");
  const rest = { method: "PUT", body: layer.subarray(150_000) };
  const ended = await second.send(`${path}?digest=${digestOf(layer)}`, rest);
  assert.equal(ended.status, 201, await ended.text());
  assert.equal((await fetch(`${second.url}/v1/metainfo/${digestOf(layer)}`)).status, 200);
  await settled(second);
});

test("a registry that was moved to is found by its new address", async (t) => {
  // The queue knows the registry by its name; where that is, the configuration says.
  const root = testFolder(t);
  const nobody = createServer();
  nobody.listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const { port } = nobody.address() as AddressInfo;
  nobody.close();
  const origin = (url: string) => [{ kind: "registry", host: "registry.test", url }];
  const push = { registry: "registry.test" };
  const first = await openPushBench(t, {
    ...{ root, push, config: { origins: origin(`http://127.0.0.1:${port}`) } },
  });
  assert.equal((await first.pushImage([layer])).answer.status, 201);
  await first.seeder[Symbol.asyncDispose]();
  const { registry } = first;
  const config = { origins: origin(`http://${registry.host}`) };
  const second = await openPushBench(t, { root, registry, push, config });
  await settled(second);
  assert.equal((await atRegistry(registry, "pond/fish/manifests/1")).status, 200);
});
