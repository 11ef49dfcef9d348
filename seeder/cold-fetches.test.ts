import assert from "node:assert/strict";
import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Credential } from "../core/credential.ts";
import { digestOf } from "../core/digest.ts";
import { SeederColdSource } from "../core/directory/seeder-cold-source.ts";
import { AccessDeniedError, BlobNotFoundError, UnavailableError } from "../core/errors.ts";
import { growingInfoHash } from "../core/growing-torrent.ts";
import type { ColdAnswer } from "../core/ports/cold-source.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import type { FakeRegistry } from "../core/testing/fake-registry.ts";
import { MemoryTracker } from "../core/testing/memory-tracker.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { openTestSwarm } from "../core/torrent/open-test-swarm.test-support.ts";
import { type TestSeederOptions, openTestSeeder } from "./open-test-seeder.test-support.ts";
import { SlowBlob } from "./slow-blob.test-support.ts";

const layer = blobFixture(3_000_000, "layer");
const { digest, metainfo } = layer;
const size = layer.bytes.length;
const { pieceLength } = metainfo.layout;
const repository = "pond/fish";

/** A seeder of a registry that gives the layer as `slow` says, and a node that asks for it. */
async function open(
  t: TestContext,
  {
    config = {},
    given = layer.bytes,
    ...places
  }: Pick<TestSeederOptions, "config" | "root" | "registry"> & { readonly given?: Buffer } = {},
) {
  const seeder = await openTestSeeder(t, { config, ...places });
  const { registry, url } = seeder;
  registry.addBlob(layer.bytes);
  const slow = new SlowBlob(given);
  registry.fault = slow.fault;
  const source = cleanUpOf(t).use(
    new SeederColdSource({
      ...{ seeders: [url], clock: new ManualClock(), passesCredentials: true },
    }),
  );
  const from = [{ registry: registry.host, repository }];
  const blob = { digest, size, mediaType: "layer", from };
  const ask = async (more: object = {}) => source.fetch({ ...blob, ...more }, t);
  const isHere = async () => (await fetch(`${url}/v1/metainfo/${digest}`)).status === 200;
  return { ...seeder, slow, source, blob, ask, isHere };
}

function arriving(answer: ColdAnswer | undefined) {
  assert.equal(answer?.state, "arriving");
  return answer;
}

async function hashesOf(answer: ColdAnswer | undefined, { signal }: TestContext): Promise<Buffer> {
  const runs: Uint8Array[] = [];
  for await (const run of arriving(answer).torrent.pieceHashes({ start: 0, signal })) {
    runs.push(run);
  }
  return Buffer.concat(runs);
}

async function nextOf(runs: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const next = await runs.next();
  return next.done === true ? Buffer.alloc(0) : Buffer.from(next.value);
}

/** What the registry was asked to give, and from which offset. */
function downloadsOf(registry: FakeRegistry): (string | undefined)[] {
  const requests = registry.requestsFor(`/blobs/${digest}`);
  return requests.filter(({ method }) => method === "GET").map(({ range }) => range);
}

test("first bytes and hashes are told before the last byte has reached the seeder", async (t) => {
  const { url, slow, ask, isHere, registry } = await open(t);
  const asked = ask();
  await slow.give(pieceLength + 1000);
  const { torrent, webSeeds, peers, ...answer } = arriving(await asked);
  assert.deepEqual(answer, { state: "arriving", size });
  assert.equal(torrent.infoHash, growingInfoHash({ digest, size }));
  assert.deepEqual(webSeeds, [`${url}/v1/blobs/${digest}`]);
  assert.equal(peers.length, 1);
  const hashes = torrent.pieceHashes({ start: 0, signal: t.signal })[Symbol.asyncIterator]();
  assert.deepEqual(await nextOf(hashes), Buffer.from(metainfo.pieceHashes.subarray(0, 20)));
  const range = `bytes=0-${pieceLength - 1}`;
  const part = await fetch(webSeeds[0] ?? "", { headers: { range } });
  assert.equal(part.headers.get("content-range"), `bytes 0-${pieceLength - 1}/${size}`);
  assert.ok(Buffer.from(await part.arrayBuffer()).equals(layer.bytes.subarray(0, pieceLength)));
  assert.equal(await isHere(), false);
  const all = hashesOf(await ask(), t);
  await slow.give();
  assert.deepEqual(await all, Buffer.from(metainfo.pieceHashes));
  await hashes.return?.();
  while (!(await isHere())) await turn();
  assert.deepEqual(await ask(), { state: "whole", size });
  assert.deepEqual(downloadsOf(registry), [undefined]);
});

test("a small blob comes with the answer, to all who ask", async (t) => {
  const { registry, source, blob } = await open(t);
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2 }));
  const small = { ...blob, digest: registry.addBlob(manifest).digest, size: manifest.length };
  const whole = { state: "whole", size: manifest.length, content: manifest };
  registry.fault = () => false;
  for (let node = 0; node < 3; node++) assert.deepEqual(await source.fetch(small, t), whole);
  assert.equal(registry.requestsFor(`/blobs/${small.digest}`).length, 1);
});

test("a node has pieces by BitTorrent while the seeder waits for the others, and all of it at last", async (t) => {
  const { slow, ask, root } = await open(t);
  const announcer = new MemoryTracker().announcer();
  const node = cleanUpOf(t).use(await openTestSwarm()({ announcer }, t));
  const asked = ask();
  const first = 5 * pieceLength;
  await slow.give(first);
  const { torrent, peers } = arriving(await asked);
  const path = join(root, "node");
  await writeFile(path, "");
  await truncate(path, size);
  const download = node.download({ torrent, path, peers, webSeeds: [] });
  await download.ready({ start: 0, end: first }, t);
  assert.equal(download.availableEnd(0), first);
  assert.ok((await readFile(path)).subarray(0, first).equals(layer.bytes.subarray(0, first)));
  await slow.give();
  await download.whole();
  assert.ok((await readFile(path)).equals(layer.bytes));
  assert.equal(download.metainfo?.infoHash, metainfo.infoHash);
  assert.equal(download.received.seeders, size);
  await download[Symbol.asyncDispose]();
});

test("hashes can be had from any piece on, of what arrives and of what is whole", async (t) => {
  const { url, slow, ask, isHere } = await open(t);
  const asked = ask();
  await slow.give(10 * pieceLength);
  const { torrent } = arriving(await asked);
  const tail = torrent.pieceHashes({ start: 5, signal: t.signal })[Symbol.asyncIterator]();
  const expected = Buffer.from(metainfo.pieceHashes);
  const run = await nextOf(tail);
  assert.deepEqual(run, expected.subarray(100, 100 + run.length));
  await slow.give();
  while (!(await isHere())) await turn();
  const { status, headers, body } = await requested(`${url}/v1/piece-hashes/${digest}`, 40);
  assert.deepEqual([status, headers], [206, `bytes 40-${expected.length - 1}/${expected.length}`]);
  assert.deepEqual(body, expected.subarray(40));
  for (const bad of ["bytes=7-", "bytes=0-39", `bytes=${expected.length}-`]) {
    const answer = await fetch(`${url}/v1/piece-hashes/${digest}`, { headers: { range: bad } });
    assert.equal(answer.status, 400, bad);
  }
  assert.equal((await fetch(`${url}/v1/piece-hashes/sha256:${"0".repeat(64)}`)).status, 404);
});

async function requested(url: string, start: number) {
  const answer = await fetch(url, { headers: { range: `bytes=${start}-` } });
  const headers = answer.headers.get("content-range");
  return { status: answer.status, headers, body: Buffer.from(await answer.arrayBuffer()) };
}

test("many who ask at once cause one fetch, which goes on when all of them leave", async (t) => {
  const { url, registry, slow, blob, isHere } = await open(t);
  const leaving = new AbortController();
  const { signal } = leaving;
  const answers = Array.from({ length: 20 }, () =>
    fetch(`${url}/v1/fetch`, { method: "POST", body: JSON.stringify(blob), signal }),
  );
  await slow.give(1000);
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  leaving.abort();
  await slow.give();
  while (!(await isHere())) await turn();
  assert.deepEqual(downloadsOf(registry), [undefined]);
});

test("when the registry dies in the middle readers are cut; who asks again has it go on", async (t) => {
  const { url, registry, slow, ask } = await open(t);
  const asked = ask();
  const given = 15 * pieceLength;
  await slow.give(given);
  const first = arriving(await asked);
  const body = await fetch(first.webSeeds[0] ?? "");
  // All of that is here.
  const part = { headers: { range: `bytes=0-${given - 1}` } };
  await (await fetch(first.webSeeds[0] ?? "", part)).arrayBuffer();
  const reading = body.arrayBuffer();
  const hashes = hashesOf(first, t);
  await slow.die();
  await assert.rejects(reading);
  await assert.rejects(hashes, UnavailableError);
  assert.equal((await fetch(`${url}/v1/piece-hashes/${digest}`)).status, 404);
  slow.refusal = undefined;
  const again = ask();
  await slow.give();
  assert.equal((await again)?.size, size);
  const whole = await fetch(`${url}/v1/blobs/${digest}`);
  assert.ok(Buffer.from(await whole.arrayBuffer()).equals(layer.bytes));
  assert.equal(downloadsOf(registry).at(-1), `bytes=${given}-`);
});

test("a seeder that was restarted goes on where it was, and tells all hashes", async (t) => {
  const before = await open(t);
  const { root, registry } = before;
  const asked = before.ask();
  const given = 15 * pieceLength;
  await before.slow.give(given);
  const { webSeeds } = arriving(await asked);
  const part = { headers: { range: `bytes=0-${given - 1}` } };
  await (await fetch(webSeeds[0] ?? "", part)).arrayBuffer();
  await before.seeder[Symbol.asyncDispose]();
  const after = await open(t, { root, registry });
  const answer = after.ask();
  await after.slow.give();
  assert.deepEqual(await hashesOf(await answer, t), Buffer.from(metainfo.pieceHashes));
  assert.deepEqual(downloadsOf(registry), [undefined, `bytes=${given}-`]);
  while (!(await after.isHere())) await turn();
});

test("a registry that refuses, or has it not, leads to no promise", async (t) => {
  const { slow, ask } = await open(t);
  for (const [status, expected] of [
    [401, AccessDeniedError],
    [403, AccessDeniedError],
    [404, BlobNotFoundError],
    [500, UnavailableError],
  ] as const) {
    slow.refusal = status;
    await assert.rejects(ask(), expected, String(status));
  }
  await assert.rejects(ask({ from: [] }), BlobNotFoundError);
});

test("registries that a seeder must not be sent to are refused", async (t) => {
  const { url, blob } = await open(t);
  for (const registry of ["127.0.0.1:1", "localhost", "[::1]:5000", "10.0.0.1"]) {
    const body = JSON.stringify({ ...blob, from: [{ registry, repository }] });
    assert.equal((await fetch(`${url}/v1/fetch`, { method: "POST", body })).status, 403);
  }
});

test("where the first repository has it not, the next one is asked", async (t) => {
  const { registry, slow, blob, ask, isHere } = await open(t);
  registry.fault = (request, response) => {
    if (!request.url?.includes("/empty/")) return slow.fault(request, response);
    response.writeHead(404).end();
    return true;
  };
  const asked = ask({ from: [{ ...blob.from[0], repository: "empty/pond" }, ...blob.from] });
  await slow.give();
  assert.equal((await asked)?.size, size);
  while (!(await isHere())) await turn();
});

for (const [what, given] of [
  ["other bytes", Buffer.alloc(size)],
  ["fewer bytes", layer.bytes.subarray(0, size - 1)],
  ["more bytes", Buffer.concat([layer.bytes, Buffer.alloc(10)])],
] as const) {
  test(`a registry that gives ${what} has readers cut, and nothing kept`, async (t) => {
    const { url, slow, ask, isHere } = await open(t, { given });
    slow.tellsLength = false;
    const asked = ask();
    await slow.give(2_000_000);
    const { webSeeds } = arriving(await asked);
    const hashes = hashesOf(await asked, t);
    const reading = fetch(webSeeds[0] ?? "").then(async (answer) => answer.arrayBuffer());
    const tail = `bytes=${size - 10}-`;
    const readingEnd = fetch(webSeeds[0] ?? "", { headers: { range: tail } }).then(
      async (answer) => {
        // The end may be here, though not given to its last byte, or not be here yet.
        if (answer.status === 503) throw new TypeError("nothing was sent");
        assert.equal(answer.status, 206);
        await answer.arrayBuffer();
      },
    );
    await Promise.all([
      slow.give().then(() => (slow.refusal = 0)),
      assert.rejects(reading, TypeError),
      assert.rejects(hashes, UnavailableError),
      assert.rejects(readingEnd, TypeError),
    ]);
    assert.equal(await isHere(), false);
    const status = JSON.parse(await (await fetch(`${url}/v1/status`)).text()) as {
      ingests: unknown[];
    };
    assert.deepEqual(status.ingests, []);
  });
}

test("a registry that says how long another blob is leads to no promise", async (t) => {
  const given = Buffer.concat([layer.bytes, Buffer.alloc(10)]);
  const { registry, ask } = await open(t, { given });
  await assert.rejects(ask(), UnavailableError);
  assert.equal(downloadsOf(registry).length, 1);
});

test("a client's right is shown to the registry; who has none, or another, is judged apart", async (t) => {
  const { registry, logger, slow, ask, isHere } = await open(t);
  const authorization = "Basic cmlnaHQ6cmlnaHQ=";
  registry.login = { scheme: "basic", authorization };
  registry.fault = (request, response) =>
    request.headers.authorization === authorization && slow.fault(request, response);
  const wrong = new Credential("Basic d3Jvbmc6d3Jvbmc=", { registry: registry.host });
  const right = new Credential(authorization, { registry: registry.host });
  const asked = ask({ authorization: right });
  const others = [ask(), ask({ authorization: wrong })].map(async (other) =>
    other.then(
      () => "joined",
      (error: unknown) => error,
    ),
  );
  await slow.give(1000);
  arriving(await asked);
  for (const other of await Promise.all(others)) {
    assert.ok(other === "joined" || other instanceof AccessDeniedError);
  }
  // The bytes are no secret from here on: who may have them is checked where they are given out.
  arriving(await ask({ authorization: wrong }));
  await slow.give();
  while (!(await isHere())) await turn();
  const logged = JSON.stringify(logger.lines);
  for (const credential of [right, wrong]) {
    assert.ok(!logged.includes(credential.reveal().slice("Basic ".length)));
  }
});

test("a blob whose turn is yet to come is promised on the word of its registry", async (t) => {
  const { registry, slow, ask, blob } = await open(t, { config: { fetch: { pullBlobsMax: 1 } } });
  const second = blobFixture(1_000_000, "second");
  registry.addBlob(second.bytes);
  const asked = ask();
  await slow.give(1000);
  arriving(await asked);
  const queued = { ...blob, digest: second.digest, size: second.bytes.length };
  assert.equal(arriving(await ask(queued)).size, second.bytes.length);
  assert.equal(
    registry.requestsFor(second.digest).every(({ method }) => method === "HEAD"),
    true,
  );
});

test("all layers of an image arrive side by side", async (t) => {
  const { registry, ask, blob } = await open(t);
  const given: string[] = [];
  registry.fault = ({ method, url = "" }, response) => {
    if (method !== "GET") return false;
    given.push(url);
    response.writeHead(200, { "content-length": size });
    response.write("a first byte");
    return true;
  };
  const layers = Array.from({ length: 30 }, (_, index) => blobFixture(10, String(index)).digest);
  const answers = await Promise.all(layers.map((layer) => ask({ ...blob, digest: layer })));
  for (const answer of answers) arriving(answer);
  assert.equal(given.length, 30);
});

test("size and media type are asked for where the node does not know them", async (t) => {
  const { registry, ask, blob } = await open(t);
  registry.fault = () => false;
  const { manifest, config } = registry.addImage([layer.bytes], "pond/fish:latest");
  for (const { digest: wanted, size: expected } of [manifest, config]) {
    const answer = await ask({ ...blob, digest: wanted, size: undefined, mediaType: undefined });
    assert(answer?.state === "whole" && answer.content);
    assert.deepEqual([answer.size, digestOf(answer.content)], [expected, wanted]);
  }
});

test("requests that are malformed are refused, and nothing of them repeated", async (t) => {
  const { url, blob, registry } = await open(t);
  const [from] = blob.from;
  const secret = "Basic c2VjcmV0";
  for (const body of [
    "",
    "{",
    "[]",
    JSON.stringify({ ...blob, digest: "sha256:../../etc" }),
    JSON.stringify({ ...blob, size: -1 }),
    JSON.stringify({ ...blob, size: 1e300 }),
    JSON.stringify({ ...blob, from: [{ ...from, repository: "../../a?b#c" }] }),
    JSON.stringify({ ...blob, from: [{ ...from, registry: "user:secret@host" }] }),
    JSON.stringify({ ...blob, from: Array.from({ length: 9 }, () => from) }),
    JSON.stringify({ ...blob, more: "x".repeat(100_000) }),
  ]) {
    const headers = { "shoal-registry-authorization": secret };
    const answer = await fetch(`${url}/v1/fetch`, { method: "POST", body, headers });
    assert.equal(answer.status, 400, body);
    assert.doesNotMatch(await answer.text(), /secret|c2VjcmV0|\.\./);
  }
  const headers = { "shoal-registry-authorization": "Negotiate xyz" };
  const body = JSON.stringify(blob);
  assert.equal((await fetch(`${url}/v1/fetch`, { method: "POST", body, headers })).status, 400);
  assert.equal((await fetch(`${url}/v1/fetch`)).status, 405);
  assert.deepEqual(registry.requests, []);
});
