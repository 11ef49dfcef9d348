import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import { Credential } from "../credential.ts";
import { digestOf } from "../digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  SourceMovedError,
  UnavailableError,
} from "../errors.ts";
import { growingInfoHash } from "../growing-torrent.ts";
import { rendezvousOrder } from "../rendezvous.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { SeederColdSource } from "./seeder-cold-source.ts";

const { digest, metainfo } = blobFixture(1_000_000);
const { size, pieceCount } = metainfo.layout;
const hashes = Buffer.from(metainfo.pieceHashes);
const blob = {
  ...{ digest, size, mediaType: "layer" },
  from: [{ registry: "registry.example", repository: "pond/fish" }],
};

type Handle = (request: IncomingMessage, response: ServerResponse, url: string) => void;

interface FakeSeeder {
  readonly url: string;
  handle: Handle;
  readonly asked: IncomingMessage[];
  readonly bodies: string[];
  /** Nobody listens any more. */
  readonly end: () => Promise<void>;
}

async function seederOf(t: TestContext, handle: Handle): Promise<FakeSeeder> {
  const server = createServer((request, response) => {
    seeder.asked.push(request);
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      seeder.bodies.push(Buffer.concat(parts).toString());
      seeder.handle(request, response, seeder.url);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening", t);
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const end = async () => {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  };
  const seeder: FakeSeeder = { url, handle, asked: [], bodies: [], end };
  return seeder;
}

function answering(status: number, body: unknown = {}): Handle {
  return (_request, response) => response.writeHead(status).end(JSON.stringify(body));
}

const whole = answering(200, { state: "whole", size });

/** Seeders in the order in which they are asked for the blob. */
async function inOrder(t: TestContext, ...handles: Handle[]): Promise<FakeSeeder[]> {
  const seeders = await Promise.all(handles.map((handle) => seederOf(t, handle)));
  const urls = seeders.map(({ url }) => url);
  const ordered = rendezvousOrder(digest, urls).flatMap((url) =>
    seeders.filter((seeder) => seeder.url === url),
  );
  for (const [index, seeder] of ordered.entries()) seeder.handle = handles[index] ?? whole;
  return ordered;
}

function open(t: TestContext, seeders: readonly Pick<FakeSeeder, "url">[]) {
  const clock = new ManualClock();
  const urls = seeders.map(({ url }) => url);
  const source = cleanUpOf(t).use(
    new SeederColdSource({ seeders: urls, clock, passesCredentials: true }),
  );
  return { clock, source };
}

function countsOf(seeders: readonly FakeSeeder[]): number[] {
  return seeders.map(({ asked }) => asked.length);
}

test("the responsible seeder is asked, and told where the blob may be had", async (t) => {
  const seeders = await inOrder(t, whole, whole, whole);
  const { source } = open(t, seeders);
  assert.deepEqual(await source.fetch(blob, t), { state: "whole", size });
  assert.deepEqual(countsOf(seeders), [1, 0, 0]);
  assert.deepEqual(JSON.parse(seeders[0]?.bodies[0] ?? ""), blob);
  const [request] = seeders[0]?.asked ?? [];
  assert.deepEqual([request?.method, request?.url], ["POST", "/v1/fetch"]);
  assert.equal(request?.headers["shoal-registry-authorization"], undefined);
  assert.equal(await open(t, []).source.fetch(blob, t), undefined);
});

test("a client's right goes along in a header, and into no error", async (t) => {
  const [seeder] = await inOrder(t, answering(403));
  assert.ok(seeder);
  const authorization = new Credential("Basic c2VjcmV0", { registry: "registry.example" });
  await assert.rejects(open(t, [seeder]).source.fetch({ ...blob, authorization }, t), (error) => {
    assert.ok(error instanceof AccessDeniedError);
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error)}`, /c2VjcmV0/);
    return true;
  });
  assert.equal(seeder.asked[0]?.headers["shoal-registry-authorization"], "Basic c2VjcmV0");
});

test("what cannot be a place is not sent, nor more places than a seeder takes", async (t) => {
  const [seeder] = await inOrder(t, whole);
  assert.ok(seeder);
  const bad = { registry: "user@host", repository: "../x" };
  const from = [bad, ...Array.from({ length: 10 }, () => blob.from[0] ?? bad)];
  await open(t, [seeder]).source.fetch({ ...blob, from }, t);
  const { from: sent } = JSON.parse(seeder.bodies[0] ?? "") as { from: unknown[] };
  assert.deepEqual(sent, from.slice(1, 9));
});

test("where a seeder cannot be reached the next one is asked, and that one alone for a while", async (t) => {
  const cut: Handle = (_request, response) => response.destroy();
  const seeders = await inOrder(t, cut, answering(502), whole);
  const { source, clock } = open(t, seeders);
  assert.deepEqual(await source.fetch(blob, t), { state: "whole", size });
  assert.deepEqual(countsOf(seeders), [1, 1, 1]);
  await source.fetch(blob, t);
  assert.deepEqual(countsOf(seeders), [1, 1, 2]);
  clock.advance(5001);
  await source.fetch(blob, t);
  assert.deepEqual(countsOf(seeders), [2, 2, 3]);
});

test("a seeder that hangs is given up on, and none of those that fail is an error", async (t) => {
  const asked = Promise.withResolvers<undefined>();
  const [hanging] = await inOrder(t, () => asked.resolve(undefined));
  assert.ok(hanging);
  const { source } = open(t, [hanging]);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const fetching = source.fetch(blob, t);
  await asked.promise;
  t.mock.timers.tick(3000);
  assert.equal(await fetching, undefined);
  assert.equal(await source.fetch(blob, t), undefined);
  assert.equal(hanging.asked.length, 1);
});

test("a seeder that says nothing has the next one asked first for a while, and is not left out", async (t) => {
  const asked = Promise.withResolvers<undefined>();
  const seeders = await inOrder(t, () => asked.resolve(undefined), whole);
  const [hanging, next] = seeders;
  assert.ok(hanging && next);
  const { source, clock } = open(t, seeders);
  const asking = new AbortController();
  const fetching = source.fetch(blob, asking);
  await asked.promise;
  clock.advance(500);
  asking.abort(new DOMException("out of time", "TimeoutError"));
  await assert.rejects(fetching, { name: "TimeoutError" });
  assert.deepEqual(await source.fetch(blob, t), { state: "whole", size });
  assert.deepEqual(countsOf(seeders), [1, 1]);
  hanging.handle = whole;
  next.handle = answering(502);
  assert.deepEqual(await source.fetch(blob, t), { state: "whole", size });
  assert.deepEqual(countsOf(seeders), [2, 2]);
  clock.advance(5001);
  await source.fetch(blob, t);
  assert.deepEqual(countsOf(seeders), [3, 2]);
});

test("a seeder is not thought slow for a client that leaves, or had no time", async (t) => {
  for (const [waitedMs, reason] of [
    [500, new Error("enough")],
    [100, new DOMException("out of time", "TimeoutError")],
  ] as const) {
    const asked = Promise.withResolvers<undefined>();
    const seeders = await inOrder(t, () => asked.resolve(undefined), whole);
    const { source, clock } = open(t, seeders);
    const asking = new AbortController();
    const fetching = source.fetch(blob, asking);
    await asked.promise;
    clock.advance(waitedMs);
    asking.abort(reason);
    await assert.rejects(fetching, reason);
    for (const seeder of seeders) seeder.handle = whole;
    await source.fetch(blob, t);
    assert.deepEqual(countsOf(seeders), [2, 0]);
  }
});

test("what a seeder says of the registry is the answer, whatever others would say", async (t) => {
  for (const [status, expected] of [
    [404, BlobNotFoundError],
    [403, AccessDeniedError],
    [503, UnavailableError],
    [400, UnavailableError],
  ] as const) {
    const seeders = await inOrder(t, answering(status), whole);
    await assert.rejects(open(t, seeders).source.fetch(blob, t), expected);
    assert.deepEqual(countsOf(seeders), [1, 0]);
  }
});

test("how long a seeder wants to be left alone is told", async (t) => {
  for (const [headers, retryAfterMs] of [
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "86400" }, 30_000],
    [{}, undefined],
  ] as const) {
    const busy: Handle = (_request, response) => response.writeHead(429, headers).end();
    const { source } = open(t, await inOrder(t, busy));
    await assert.rejects(source.fetch(blob, t), { name: "UnavailableError", retryAfterMs });
  }
});

test("a seeder without room has the next one asked; without room anywhere it is told", async (t) => {
  const seeders = await inOrder(t, answering(507), whole);
  assert.deepEqual(await open(t, seeders).source.fetch(blob, t), { state: "whole", size });
  const full = await inOrder(t, answering(507), answering(507));
  await assert.rejects(open(t, full).source.fetch(blob, t), UnavailableError);
  assert.deepEqual(countsOf(full), [1, 1]);
});

test("of an arriving blob there is its torrent, and only what makes sense of the rest", async (t) => {
  const peers = ["10.0.0.1:7070", "[::1]:7070", "nonsense", 5, "host:99999"];
  const [seeder] = await inOrder(t, (_request, response, url) => {
    const own = `${url}/v1/blobs/${digest}`;
    const webSeeds = ["http://169.254.169.254/latest", own, "file:///etc/passwd", null];
    response.end(JSON.stringify({ state: "arriving", size, peers, webSeeds, more: 1 }));
  });
  assert.ok(seeder);
  const answer = await open(t, [seeder]).source.fetch({ ...blob, size: undefined }, t);
  assert.equal(answer?.state, "arriving");
  assert.deepEqual(answer.peers, [
    { host: "10.0.0.1", port: 7070 },
    { host: "::1", port: 7070 },
  ]);
  assert.deepEqual(answer.webSeeds, [`${seeder.url}/v1/blobs/${digest}`]);
  assert.equal(answer.torrent.infoHash, growingInfoHash({ digest, size }));
  assert.deepEqual(answer.torrent.layout, metainfo.layout);
});

test("a small blob comes with the answer, and is checked", async (t) => {
  const small = Buffer.from('{"schemaVersion":2}');
  const wanted = { ...blob, digest: digestOf(small), size: small.length };
  const answer = (content: unknown) =>
    answering(200, { state: "whole", size: small.length, content });
  const [honest] = await inOrder(t, answer(small.toString("base64")));
  assert.ok(honest);
  assert.deepEqual(await open(t, [honest]).source.fetch(wanted, t), {
    ...{ state: "whole", size: small.length, content: small },
  });
  const other = Buffer.from(small.map((byte) => byte ^ 1)).toString("base64");
  for (const content of [other, "", small.toString("base64").slice(4), 7, null]) {
    const [liar] = await inOrder(t, answer(content));
    assert.ok(liar);
    await assert.rejects(open(t, [liar]).source.fetch(wanted, t), UnavailableError);
  }
});

test("where one seeder gives another blob the next one is asked", async (t) => {
  const wrong = answering(200, { state: "whole", size, content: "AAAA" });
  const seeders = await inOrder(t, wrong, whole);
  assert.deepEqual(await open(t, seeders).source.fetch(blob, t), { state: "whole", size });
});

test("answers that make no sense are none", async (t) => {
  for (const body of [
    "",
    "{",
    "[]",
    "{}",
    JSON.stringify({ state: "whole", size: size + 1 }),
    JSON.stringify({ state: "whole", size: -1 }),
    JSON.stringify({ state: "whole", size: "1000000" }),
    JSON.stringify({ state: "gone", size }),
    JSON.stringify({ state: "arriving", size, more: "x".repeat(500_000) }),
  ]) {
    const [seeder] = await inOrder(t, (_request, response) => response.end(body));
    assert.ok(seeder);
    const fetching = open(t, [seeder]).source.fetch(blob, t);
    // One that is too long was not read to its end: as if there were none.
    if (body.length > 50_000) assert.equal(await fetching, undefined);
    else await assert.rejects(fetching, UnavailableError, body);
  }
  const [seeder] = await inOrder(t, answering(200, { state: "arriving", size: 0 }));
  assert.ok(seeder);
  const { source } = open(t, [seeder]);
  await assert.rejects(source.fetch({ ...blob, size: undefined }, t), UnavailableError);
});

/** Reads all hashes of a seeder that answers for them as `handle` does. */
async function read(t: TestContext, handle: Handle, start = 0): Promise<Buffer> {
  const [seeder] = await inOrder(t, answering(200, { state: "arriving", size }));
  assert.ok(seeder);
  const answer = await open(t, [seeder]).source.fetch(blob, t);
  assert.equal(answer?.state, "arriving");
  seeder.handle = handle;
  const runs: Uint8Array[] = [];
  for await (const run of answer.torrent.pieceHashes({ start, signal: t.signal })) {
    assert.equal(run.byteLength % 20, 0);
    runs.push(run);
  }
  const questions = seeder.asked.slice(1).map(({ url = "" }) => url);
  for (const url of questions) assert.match(url, /\?from=registry\.example$/);
  return Buffer.concat(runs);
}

/** Gives so many bytes of hashes as asked for, and then the connection ends. */
function hashesUpTo(end: number): Handle {
  return ({ headers }, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const range = { "content-range": `bytes ${start}-${hashes.length - 1}/${hashes.length}` };
    const length = { "content-length": hashes.length - start };
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...range, ...length } : length);
    response.write(hashes.subarray(start, end), () => {
      if (end >= hashes.length) response.end();
      else response.destroy();
    });
  };
}

test("hashes come whole, however they are cut on the way, from any piece on", async (t) => {
  const bytewise: Handle = (_request, response) => {
    response.writeHead(200, { "content-length": hashes.length });
    for (const byte of hashes) response.write(Buffer.of(byte));
    response.end();
  };
  assert.deepEqual(await read(t, bytewise), hashes);
  assert.deepEqual(await read(t, hashesUpTo(hashes.length), 3), hashes.subarray(60));
  assert.deepEqual(await read(t, hashesUpTo(hashes.length), pieceCount), Buffer.alloc(0));
});

test("an answer that is no hashes holds no connection", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const ticking = setInterval(() => t.mock.timers.tick(300), 1);
  cleanUpOf(t).defer(() => clearInterval(ticking));
  const closed: Promise<unknown>[] = [];
  const endless: Handle = (_request, response) => {
    closed.push(once(response, "close", t));
    response.writeHead(404).write("more is to come");
  };
  await assert.rejects(read(t, endless), UnavailableError);
  assert.equal(closed.length, 3);
  await Promise.all(closed);
});

test("a stream of hashes that breaks is gone on with; one that does not go on is given up", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let opened = 0;
  const breaking: Handle = (request, response, url) => {
    opened++;
    hashesUpTo(Math.min(hashes.length, opened * 30))(request, response, url);
  };
  const ticking = setInterval(() => t.mock.timers.tick(300), 1);
  cleanUpOf(t).defer(() => clearInterval(ticking));
  assert.deepEqual(await read(t, breaking), hashes);
  assert.ok(opened > 2);
  let asked = 0;
  const gone: Handle = (_request, response) => {
    asked++;
    response.writeHead(404).end();
  };
  await assert.rejects(read(t, gone), UnavailableError);
  assert.equal(asked, 3);
  for (const wrong of [
    Buffer.alloc(hashes.length + 1),
    Buffer.alloc(hashes.length + 20),
    Buffer.alloc(0),
  ]) {
    await assert.rejects(
      read(t, (_request, response) => response.end(wrong)),
      UnavailableError,
    );
  }
  await assert.rejects(
    read(t, (_request, response) => response.end(hashes), 1),
    UnavailableError,
  );
});

/** Reads the hashes of a seeder that ends after the first two, beside one that answers as told. */
async function readPastEnd(t: TestContext, other: Handle): Promise<void> {
  const arriving = answering(200, { state: "arriving", size });
  const seeders = await inOrder(t, arriving, other);
  const [seeder] = seeders;
  assert.ok(seeder);
  const answer = await open(t, seeders).source.fetch(blob, t);
  assert.equal(answer?.state, "arriving");
  seeder.handle = hashesUpTo(40);
  for await (const run of answer.torrent.pieceHashes({ start: 0, signal: t.signal })) {
    assert.ok(run.byteLength <= 40);
    await seeder.end();
  }
}

test("where a seeder has ended another one is asked to get the blob, and who reads is told", async (t) => {
  for (const state of ["arriving", "whole"]) {
    const asked = Promise.withResolvers<string | undefined>();
    const other: Handle = (request, response) => {
      asked.resolve(request.url);
      response.end(JSON.stringify({ state, size }));
    };
    await assert.rejects(readPastEnd(t, other), SourceMovedError);
    assert.equal(await asked.promise, "/v1/fetch");
  }
});

test("a seeder that has ended is missed as one that is silent where no other gets the blob", async (t) => {
  for (const status of [404, 503, 502]) {
    await assert.rejects(readPastEnd(t, answering(status)), UnavailableError);
  }
});

test("a seeder that only breaks off is not left for another one", async (t) => {
  const seeders = await inOrder(t, answering(200, { state: "arriving", size }), whole);
  const [seeder] = seeders;
  assert.ok(seeder);
  const answer = await open(t, seeders).source.fetch(blob, t);
  assert.equal(answer?.state, "arriving");
  seeder.handle = (_request, response) => response.destroy();
  const hashes = answer.torrent.pieceHashes({ start: 0, signal: t.signal });
  await assert.rejects(hashes[Symbol.asyncIterator]().next(), UnavailableError);
  assert.deepEqual(countsOf(seeders).slice(1), [0]);
});
