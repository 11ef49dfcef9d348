import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../../core/digest.ts";
import { mediaTypes } from "../../../core/media-type.ts";
import { bytesOf } from "../../open-test-seeder.test-support.ts";
import { codesOf, imageOf, openPushBench, settled } from "../push-bench.test-support.ts";

const layer = bytesOf(300_000, "layer");

test("a manifest is taken once all is there that it names", async (t) => {
  const bench = await openPushBench(t);
  const { send } = bench;
  const { bytes, config } = imageOf([layer]);
  const headers = { "content-type": mediaTypes.ociManifest };
  const put = async (name: string, body = bytes) =>
    send(`pond/fish/manifests/${name}`, { method: "PUT", body, headers });
  await bench.pushBlob(layer);
  const early = await put("1");
  assert.equal(early.status, 404);
  assert.equal(await codesOf(early), "MANIFEST_BLOB_UNKNOWN");
  assert.equal((await send("pond/fish/manifests/1")).status, 404);
  // What the registry has need not be pushed.
  bench.registry.addBlob(config);
  const answer = await put("1");
  assert.equal(answer.status, 201, await answer.text());
  assert.equal(answer.headers.get("location"), `/v2/pond/fish/manifests/${digestOf(bytes)}`);
  assert.equal(answer.headers.get("oci-subject"), null);
  for (const name of ["1", digestOf(bytes)]) {
    const got = await send(`pond/fish/manifests/${name}`);
    assert.equal(got.headers.get("content-type"), mediaTypes.ociManifest);
    assert.equal(got.headers.get("docker-content-digest"), digestOf(bytes));
    assert.equal(await got.text(), bytes.toString());
    const head = await send(`pond/fish/manifests/${name}`, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(bytes.length));
  }
  assert.equal((await put(digestOf(bytes))).status, 201);
  const wrong = await put(digestOf(Buffer.from("another")));
  assert.equal(await codesOf(wrong), "DIGEST_INVALID");
});

test("an index is taken once its manifests are there", async (t) => {
  const bench = await openPushBench(t);
  const { manifest } = await bench.pushImage([layer], "pond/fish:amd64");
  const index = (named: object) =>
    Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [named] }),
    );
  const headers = { "content-type": mediaTypes.ociIndex };
  const put = async (body: Buffer) =>
    bench.send("pond/fish/manifests/all", { method: "PUT", body, headers });
  const entry = { ...manifest, mediaType: mediaTypes.ociManifest };
  const unknown = await put(index({ ...entry, digest: digestOf(Buffer.from("x")) }));
  assert.equal(await codesOf(unknown), "MANIFEST_BLOB_UNKNOWN");
  const lying = await put(index({ ...entry, size: 5 }));
  assert.equal(await codesOf(lying), "MANIFEST_INVALID");
  assert.equal((await put(index(entry))).status, 201);
  await settled(bench);
});

test("what is no manifest is refused", async (t) => {
  const bench = await openPushBench(t);
  const cases: readonly [body: string, contentType: string, status: number][] = [
    ["", mediaTypes.ociManifest, 400],
    ["no JSON", mediaTypes.ociManifest, 400],
    ["[]", mediaTypes.ociManifest, 400],
    ["{}", mediaTypes.ociManifest, 400],
    ['{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json", 400],
    [`{"mediaType":"${mediaTypes.ociIndex}","manifests":[]}`, mediaTypes.ociManifest, 400],
    ['{"config":{"digest":"sha256:..","size":1},"layers":[]}', mediaTypes.ociManifest, 400],
    [" ".repeat(4 * 1024 * 1024 + 1), mediaTypes.ociManifest, 413],
  ];
  for (const [body, contentType, status] of cases) {
    const headers = { "content-type": contentType };
    const answer = await bench.send("pond/fish/manifests/1", { method: "PUT", body, headers });
    assert.equal(answer.status, status, body.slice(0, 50));
    assert.equal(await codesOf(answer), "MANIFEST_INVALID");
  }
});

test("tags of the registry and those that it does not know yet are one list", async (t) => {
  const bench = await openPushBench(t);
  bench.writes.refusals.set("uploads", 500);
  await bench.pushImage([layer], "pond/fish:b");
  assert.deepEqual(await (await bench.send("pond/fish/tags/list")).json(), {
    ...{ name: "pond/fish", tags: ["b"] },
  });
  const { fault } = bench.registry;
  bench.registry.fault = (request, response) => {
    if (request.url?.includes("/tags/list") !== true) return fault(request, response);
    response.end(JSON.stringify({ name: "pond/fish", tags: ["a", "c", "b"] }));
    return true;
  };
  const page = await bench.send("pond/fish/tags/list?n=2");
  assert.deepEqual(await page.json(), { name: "pond/fish", tags: ["a", "b"] });
  assert.equal(page.headers.get("link"), '</v2/pond/fish/tags/list?n=2&last=b>; rel="next"');
  const next = await bench.send("pond/fish/tags/list?n=2&last=b");
  assert.deepEqual(await next.json(), { name: "pond/fish", tags: ["c"] });
  assert.equal(next.headers.get("link"), null);
});

test("a list of more tags than a page has goes on behind it", async (t) => {
  const bench = await openPushBench(t);
  const all = Array.from({ length: 12_000 }, (_, index) => `t${String(index).padStart(5, "0")}`);
  bench.registry.fault = ({ url = "" }, response) => {
    const query = new URL(url, "http://registry").searchParams;
    const [count, last] = [Number(query.get("n")), query.get("last") ?? ""];
    const tags = all.filter((tag) => tag > last).slice(0, count);
    const link = `</v2/pond/fish/tags/list?n=${count}&last=${tags.at(-1) ?? ""}>; rel="next"`;
    if (tags.length === count) response.setHeader("link", link);
    response.end(JSON.stringify({ name: "pond/fish", tags }));
    return true;
  };
  const first = await bench.send("pond/fish/tags/list");
  const { tags } = (await first.json()) as { tags: string[] };
  assert.deepEqual(tags, all.slice(0, 10_000));
  const link = first.headers.get("link") ?? "";
  assert.match(link, /last=t09999>; rel="next"/);
  const second = await bench.send("pond/fish/tags/list?last=t09999");
  assert.deepEqual(await second.json(), { name: "pond/fish", tags: all.slice(10_000) });
});
