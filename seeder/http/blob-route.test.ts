import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readlink } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { BlobNotFoundError } from "../../core/errors.ts";
import { answerOfError, sendAnswer } from "../../core/http/http-answer.ts";
import type { BlobRecord } from "../../core/ports/blob-store.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { HostLimits } from "../../core/limits/host-limits.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { type BlobRouteDeps, blobRoute } from "./blob-route.ts";
import { type TestSeeder, bytesOf, openTestSeeder } from "../open-test-seeder.test-support.ts";

const bytes = bytesOf(300_000, "layer");

/** A seeder that holds a blob, and its digest. */
async function open(
  t: TestContext,
  { layer = bytes, budgetBytes = 100_000_000 } = {},
): Promise<TestSeeder & { readonly digest: string }> {
  const seeder = await openTestSeeder(t, { store: { budgetBytes } });
  const { layers } = seeder.registry.addImage([layer], "pond/fish:latest");
  assert.equal((await seeder.preheat()).end.ok, true);
  return { ...seeder, digest: layers[0]?.digest ?? "" };
}

/** Open files of this process below a folder. */
async function openFilesIn(folder: string): Promise<string[]> {
  const links = await Promise.all(
    (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return links.filter((path) => path.startsWith(folder) && path.includes("blobs/"));
}

test("GET gives the whole blob, HEAD what it is", async (t) => {
  const { digest, blob } = await open(t);
  for (const method of ["GET", "HEAD"]) {
    const response = await blob(digest, { method });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), String(bytes.length));
    assert.equal(response.headers.get("etag"), `"${digest}"`);
    assert.equal(response.headers.get("accept-ranges"), "bytes");
    const body = Buffer.from(await response.arrayBuffer());
    assert.deepEqual(body, method === "GET" ? bytes : Buffer.alloc(0));
  }
  assert.equal((await blob(encodeURIComponent(digest))).status, 200);
});

test("Range gives a part, if it is one part and of the same blob", async (t) => {
  const { digest, blob } = await open(t);
  const size = bytes.length;
  for (const [range, start, end] of [
    ["bytes=0-0", 0, 1],
    ["bytes=100-199", 100, 200],
    [`bytes=${size - 1}-`, size - 1, size],
    ["bytes=-10", size - 10, size],
    ["bytes=5-99999999", 5, size],
  ] as const) {
    const response = await blob(digest, { headers: { range } });
    assert.equal(response.status, 206);
    assert.equal(response.headers.get("content-range"), `bytes ${start}-${end - 1}/${size}`);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), bytes.subarray(start, end));
    const head = await blob(digest, { method: "HEAD", headers: { range } });
    assert.equal(head.headers.get("content-length"), String(end - start));
  }
  for (const headers of [
    { range: "bytes=0-1,5-6" },
    { range: "lines=1-2" },
    { range: "bytes=9-1" },
    { range: "bytes=0-0", "if-range": '"another"' },
  ]) {
    const response = await blob(digest, { headers });
    assert.equal(response.status, 200);
    assert.equal((await response.arrayBuffer()).byteLength, size);
  }
  const same = await blob(digest, { headers: { range: "bytes=0-0", "if-range": `"${digest}"` } });
  assert.equal(same.status, 206);
  for (const range of [`bytes=${size}-`, "bytes=-0"]) {
    const response = await blob(digest, { headers: { range } });
    assert.equal(response.status, 416);
    assert.equal(response.headers.get("content-range"), `bytes */${size}`);
  }
});

test("a digest that is none, or of no blob that is known, is refused", async (t) => {
  const { blob } = await open(t);
  for (const method of ["GET", "HEAD"]) {
    assert.equal((await blob(`sha256:${"0".repeat(64)}`, { method })).status, 404);
    for (const path of ["", "sha256:", "%ff", "..%2f..%2fetc%2fpasswd", "a".repeat(5000)]) {
      assert.equal((await blob(path, { method })).status, 400);
    }
  }
});

test("a blob that left is fetched again for GET; HEAD and metainfo wait for nothing", async (t) => {
  const { registry, digest, preheat, blob, url } = await open(t, { budgetBytes: 400_000 });
  registry.addImage([bytesOf(200_000, "other")], "pond/fish:other");
  await preheat({ image: `${registry.host}/pond/fish:other` });
  const asked = () => registry.requestsFor(digest).length;
  assert.equal((await fetch(`${url}/v1/metainfo/${digest}`)).status, 404);
  const head = await blob(digest, { method: "HEAD" });
  assert.equal(head.headers.get("content-length"), String(bytes.length));
  assert.equal(asked(), 1);
  const answers = await Promise.all([blob(digest), blob(digest)]);
  for (const answer of answers) assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
  assert.equal(asked(), 2);
  // The last byte is sent as soon as all are the digest's, which is before they are on disk.
  while ((await fetch(`${url}/v1/metainfo/${digest}`)).status !== 200) await turn();
});

test("a client that leaves, or a blob that is evicted while it is sent, leaves no file open", async (t) => {
  const layer = bytesOf(8_000_000, "long");
  const { registry, digest, preheat, seeder, root } = await open(t, {
    ...{ layer, budgetBytes: 9_000_000 },
  });
  const clients = await Promise.all(
    ["leaves", "stays"].map(async () => {
      const socket = connect(seeder.http.port, "127.0.0.1");
      socket.write(`GET /v1/blobs/${digest} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      const [first] = (await once(socket, "data")) as [Buffer];
      socket.pause();
      return { socket, first };
    }),
  );
  registry.addImage([bytesOf(5_000_000, "other")], "pond/fish:other");
  assert.equal((await preheat({ image: `${registry.host}/pond/fish:other` })).end.ok, true);
  assert.ok((await openFilesIn(root)).some((path) => path.includes("(deleted)")));
  const [leaving, staying] = clients;
  leaving?.socket.destroy();
  assert.ok(staying);
  const chunks = [staying.first];
  for await (const chunk of staying.socket) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks);
  assert.ok(answer.subarray(answer.indexOf("\r\n\r\n") + 4).equals(layer));
  while ((await openFilesIn(root)).some((path) => path.includes("(deleted)"))) await turn();
});

test("a blob that is evicted in the moment that it is asked for is not found, not cut off", async (t) => {
  const { digest, metainfo } = blobFixture(10);
  const record: BlobRecord = {
    ...{ digest, size: 10, createdAt: 0n, updatedAt: 0n, labels: {}, infoHash: metainfo.infoHash },
    ...{ provenance: "pull", owned: false, whole: true },
  };
  const deps: BlobRouteDeps = {
    store: {
      find: () => record,
      // eslint-disable-next-line require-yield -- It ends before its first chunk.
      async *read() {
        throw new BlobNotFoundError(digest);
      },
    },
    cache: {
      arrivalOf: () => undefined,
      begin: async () => record,
      follow: async () => undefined,
    },
    known: { find: () => undefined },
    given: { add: () => undefined },
    limits: new HostLimits(),
  };
  const server = createServer((request, response) => {
    void blobRoute(request, response, { path: digest, deps, signal: t.signal }).catch(
      (error: unknown) => sendAnswer(response, answerOfError(error)),
    );
  });
  cleanUpOf(t).defer(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(response.status, 404);
  await response.text();
});
