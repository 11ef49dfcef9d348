import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../../core/digest.ts";
import { AccessDeniedError, BlobNotFoundError, DigestMismatchError } from "../../core/errors.ts";
import { growingInfoHash } from "../../core/growing-torrent.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import type { ScriptedDownload } from "../../core/testing/scripted-swarm.ts";
import { metainfoOf } from "../fetcher-node.test-support.ts";
import {
  type MirrorAnswer,
  MirrorNode,
  impatient,
  readAnswer,
} from "./mirror-node.test-support.ts";

const { bytes, digest } = blobFixture(1_500_000);
const path = `/v2/app/blobs/${digest}`;

function errorCodeOf({ body }: MirrorAnswer): string | undefined {
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
  return errors[0]?.code;
}

/** A mirror whose node has the blob. */
async function openWithBlob(t: TestContext): Promise<MirrorNode> {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "pull");
  return mirror;
}

/** A mirror to which the blob is on its way, from those who have all of it. */
async function openArriving(t: TestContext, yaml = ""): Promise<MirrorNode> {
  const mirror = await MirrorNode.open(t, `pull: { stallTimeoutMs: 2000 }\n${yaml}`);
  mirror.node.offer(bytes);
  return mirror;
}

/** Lets bytes come, as the swarm does: into the file first. */
async function arriveTo(mirror: MirrorNode, download: ScriptedDownload, end: number) {
  await mirror.writeArriving(download, bytes.subarray(0, end));
  download.sources(true);
  download.advance(end);
}

test("a blob that is here is given whole", async (t) => {
  const mirror = await openWithBlob(t);
  const { status, headers, body } = await mirror.get(path);
  assert.deepEqual([status, digestOf(body)], [200, digest]);
  assert.equal(headers["content-length"], String(bytes.length));
  assert.equal(headers["content-type"], "application/octet-stream");
  assert.equal(headers["docker-content-digest"], digest);
  assert.equal(headers["accept-ranges"], "bytes");
  const head = await mirror.get(path, { method: "HEAD" });
  assert.equal(head.headers["content-length"], String(bytes.length));
  assert.equal(head.body.length, 0);
});

test("a range of a blob is given", async (t) => {
  const mirror = await openWithBlob(t);
  const cases = {
    "bytes=0-0": [0, 1],
    "bytes=1000000-": [1_000_000, bytes.length],
    "bytes=-10": [bytes.length - 10, bytes.length],
    "bytes=5-99999999": [5, bytes.length],
  } as const;
  for (const [range, [start, end]] of Object.entries(cases)) {
    const { status, headers, body } = await mirror.get(path, { headers: { range } });
    assert.equal(status, 206);
    assert.equal(headers["content-range"], `bytes ${start}-${end - 1}/${bytes.length}`);
    assert.ok(body.equals(bytes.subarray(start, end)), range);
  }
});

test("several ranges of a blob are given as parts", async (t) => {
  const mirror = await openWithBlob(t);
  const range = "bytes=10-19,700000-1300000";
  const { status, headers, body } = await mirror.get(path, { headers: { range } });
  assert.equal(status, 206);
  assert.equal(headers["content-length"], String(body.length));
  const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(headers["content-type"] ?? "");
  const parts = body.toString("latin1").split(`\r\n--${boundary?.[1] ?? ""}`);
  assert.equal(parts.length, 4);
  const size = bytes.length;
  for (const [index, start, end] of [
    [1, 10, 20],
    [2, 700_000, 1_300_001],
  ] as const) {
    const [head = "", content = ""] = (parts[index] ?? "").split(/\r\n\r\n([^]*)/);
    assert.match(head, new RegExp(`Content-Range: bytes ${start}-${end - 1}/${size}`));
    assert.ok(Buffer.from(content, "latin1").equals(bytes.subarray(start, end)));
  }
});

test("ranges that cannot be given are refused, and ranges of something else ignored", async (t) => {
  const mirror = await openWithBlob(t);
  const past = await mirror.get(path, { headers: { range: "bytes=1500000-" } });
  assert.deepEqual([past.status, errorCodeOf(past)], [416, "RANGE_INVALID"]);
  assert.equal(past.headers["content-range"], "bytes */1500000");
  const many = Array.from({ length: 300 }, (_, index) => `${index * 9}-${index * 9}`).join(",");
  assert.equal((await mirror.get(path, { headers: { range: `bytes=${many}` } })).status, 400);
  const other = { range: "bytes=0-1", "if-range": `"${digestOf(Buffer.from("x"))}"` };
  assert.equal((await mirror.get(path, { headers: other })).status, 200);
  assert.equal(
    (await mirror.get(path, { headers: { "if-none-match": `"${digest}"` } })).status,
    304,
  );
});

test("what nobody has is not found, and the client goes on", async (t) => {
  const mirror = await MirrorNode.open(t);
  for (const method of ["GET", "HEAD"]) {
    assert.equal((await mirror.get(path, { method })).status, 404);
  }
  assert.equal(errorCodeOf(await mirror.get(path)), "BLOB_UNKNOWN");
  const sha512 = `sha512:${"a".repeat(128)}`;
  assert.equal((await mirror.get(`/v2/app/blobs/${sha512}`)).status, 404);
});

test("what was built or imported here is nobody's business", async (t) => {
  const mirror = await MirrorNode.open(t);
  await mirror.node.write(bytes, "local");
  assert.equal((await mirror.get(path)).status, 404);
  assert.equal((await mirror.get(path, { method: "HEAD" })).status, 404);
});

test("a blob is given while it arrives, but not its last byte before all was checked", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 600_000);
  const response = await mirror.ask(path);
  assert.equal(response.headers["content-length"], String(bytes.length));
  const [download] = mirror.node.swarm.downloads;
  assert.ok(download);
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const lengthBefore = length;
    length += chunk.length;
    if (lengthBefore < 600_000 && length === 600_000) {
      await arriveTo(mirror, download, bytes.length);
    }
    if (length === bytes.length - 1) await mirror.node.fill(download);
    assert.ok(length < bytes.length || mirror.node.store.find(digest)?.whole);
  }
  assert.equal(length, bytes.length);
  const record = mirror.node.store.find(digest);
  assert.deepEqual([record?.owned, record?.provenance], [false, "pull"]);
});

test("a range has its pieces fetched before others", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, bytes.length);
  const { status, body } = await mirror.get(path, { headers: { range: "bytes=1000000-1000009" } });
  assert.equal(status, 206);
  assert.equal(mirror.node.swarm.downloads[0]?.hurried[0]?.start, 1_000_000);
  assert.ok(body.equals(bytes.subarray(1_000_000, 1_000_010)));
});

test("each of several ranges has its pieces fetched before others", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 600_000);
  const range = "bytes=0-9,700000-700009,900000-900009,1200000-1200009";
  const response = await mirror.ask(path, { headers: { range } });
  const [download] = mirror.node.swarm.downloads;
  assert.ok(download);
  // The second one has not come, and the others are fetched already.
  const starts = download.hurried.map(({ start }) => start);
  assert.deepEqual(new Set(starts), new Set([0, 700_000, 900_000, 1_200_000]));
  await arriveTo(mirror, download, bytes.length);
  assert.equal((await readAnswer(response)).isComplete, true);
});

test("of several ranges the one that is sent is fetched before those that are sent later", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 300_000);
  const range = "bytes=0-599999,700000-700009,900000-900009";
  const response = await mirror.ask(path, { headers: { range } });
  const [download] = mirror.node.swarm.downloads;
  assert.ok(download);
  // Its first byte is here. Who has waited longest comes first.
  const [first, second] = download.hurried.filter(({ end }) => end > 300_000);
  assert.deepEqual(first, { start: 0, end: 600_000 });
  assert.equal(second?.start, 700_000);
  await arriveTo(mirror, download, bytes.length);
  assert.equal((await readAnswer(response)).isComplete, true);
});

test("the end of a blob is given to who wants it alone, before all the rest is here", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, bytes.length);
  for (const range of ["bytes=1499000-1499999", "bytes=-1000"]) {
    const { status, body } = await mirror.get(path, { headers: { range } });
    assert.equal(status, 206);
    assert.ok(body.equals(bytes.subarray(1_499_000)), range);
  }
  assert.notEqual(mirror.node.store.find(digest)?.whole, true);
});

test("a blob of which nothing comes is not found soon", async (t) => {
  const mirror = await openArriving(t, impatient);
  mirror.node.swarm.onDownload = (download) => download.sources(true);
  assert.equal((await mirror.get(path)).status, 503);
});

test("a body that stalls ends early, as containerd wants it, and is given nowhere for a while", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 600_000);
  const socket = createConnection(mirror.port, "127.0.0.1");
  socket.write(`GET ${path}?ns=${mirror.registry.host} HTTP/1.1\r\nHost: x\r\n\r\n`);
  let received = Buffer.alloc(0);
  socket.on("data", (chunk) => (received = Buffer.concat([received, chunk])));
  // A connection that is reset gives an error instead.
  await once(socket, "end");
  socket.destroy();
  const body = received.subarray(received.indexOf("\r\n\r\n") + 4);
  assert.ok(body.equals(bytes.subarray(0, 600_000)));
  const again = await mirror.get(path, { headers: { range: "bytes=600000-" } });
  assert.deepEqual([again.status, errorCodeOf(again)], [404, "BLOB_UNKNOWN"]);
  await mirror.node.write(bytes, "pull");
  assert.equal((await mirror.get(path)).status, 200);
});

test("a blob that turns out to be another is never given whole", async (t) => {
  const mirror = await openArriving(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, bytes.length);
  const response = await mirror.ask(path);
  const [download] = mirror.node.swarm.downloads;
  download?.fail(new BlobNotFoundError(digest));
  const { body, isComplete } = await readAnswer(response);
  assert.equal(isComplete, false);
  assert.ok(body.length < bytes.length);
});

/** A mirror to which a blob is on its way that its seeder still receives. */
async function openGrowing(t: TestContext, yaml = ""): Promise<MirrorNode> {
  const mirror = await MirrorNode.open(t, yaml);
  const { layout, pieceHashes } = metainfoOf(bytes);
  mirror.provenance.learn({ registry: "r", repository: "app" }, { digest, size: bytes.length });
  mirror.node.cold = {
    ...{ state: "arriving", size: bytes.length, peers: [], webSeeds: [] },
    torrent: {
      ...{ digest, layout, infoHash: growingInfoHash({ digest, size: bytes.length }) },
      pieceHashes: async function* () {
        yield await Promise.resolve(pieceHashes);
      },
    },
  };
  return mirror;
}

test("a blob that its seeder still receives is given once it is whole here", async (t) => {
  const mirror = await openGrowing(t);
  mirror.node.swarm.onDownload = (download) =>
    void arriveTo(mirror, download, 600_000).then(async () => {
      await mirror.writeArriving(download, bytes);
      download.finish(metainfoOf(bytes));
    });
  const { status, body } = await mirror.get(path);
  assert.deepEqual([status, digestOf(body)], [200, digest]);
});

test("a part of a blob that its seeder still receives is given before the blob is whole", async (t) => {
  const mirror = await openGrowing(t);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 600_000);
  const { status, body } = await mirror.get(path, { headers: { range: "bytes=100-599999" } });
  assert.equal(status, 206);
  assert.ok(body.equals(bytes.subarray(100, 600_000)));
  assert.notEqual(mirror.node.store.find(digest)?.whole, true);
});

test("who asks for all of a blob by a range, or for its rest, is given no byte before it is whole", async (t) => {
  const mirror = await openGrowing(t, impatient);
  mirror.node.swarm.onDownload = (download) => void arriveTo(mirror, download, 600_000);
  const ranges = ["bytes=0-1499999", "bytes=0-9999999", "bytes=100-"];
  const answers = ranges.map(async (range) => mirror.get(path, { headers: { range } }));
  assert.deepEqual(
    (await Promise.all(answers)).map(({ status }) => status),
    [503, 503, 503],
  );
});

test("nothing is given of a blob that its seeder was given wrong, and the client goes on", async (t) => {
  const mirror = await openGrowing(t);
  mirror.node.swarm.onDownload = (download) =>
    void arriveTo(mirror, download, bytes.length).then(() =>
      download.fail(new DigestMismatchError(digest, digestOf(Buffer.from("wrong")))),
    );
  const answer = await mirror.get(path);
  assert.deepEqual([answer.status, errorCodeOf(answer)], [404, "BLOB_UNKNOWN"]);
});

test("the size of a blob that only a seeder can get is what the seeder says", async (t) => {
  const mirror = await MirrorNode.open(t);
  const asked: unknown[] = [];
  mirror.cold = async ({ digest: wanted, from }) => {
    asked.push(wanted, from);
    return { state: "whole", size: bytes.length };
  };
  const { status, headers } = await mirror.get(path, { method: "HEAD" });
  assert.deepEqual([status, headers["content-length"]], [200, String(bytes.length)]);
  const from = [{ registry: mirror.registry.host, repository: "app" }];
  assert.deepEqual(asked, [digest satisfies Digest, from]);
});

test("seeders are not asked for the size of each layer of a registry that refuses them", async (t) => {
  const mirror = await MirrorNode.open(t);
  let asked = 0;
  mirror.cold = async () => {
    asked++;
    throw new AccessDeniedError("the registry refuses");
  };
  for (const name of ["one", "two", "three"]) {
    const layer = `/v2/app/blobs/${digestOf(Buffer.from(name))}`;
    assert.equal((await mirror.get(layer, { method: "HEAD" })).status, 404);
  }
  assert.equal(asked, 1);
});
