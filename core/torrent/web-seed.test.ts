import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { UnavailableError } from "../errors.ts";
import { formatPeerAddress } from "../peer-address.ts";
import { type BlobFixture, blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { withoutIpv6 } from "../testing/without-ipv6.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";
import { isWebSeedUrl } from "./web-seed.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const blob = blobFixture(3 * 1024 * 1024 + 100);

async function serve(t: TestContext, answer: Answer, host = "127.0.0.1"): Promise<string> {
  const server: Server = createServer(answer).listen(0, host);
  await once(server, "listening");
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return `http://${formatPeerAddress({ host, port })}/blob`;
}

/** Answers HEAD and Range as a web seed does; `change` may spoil the bytes of a part. */
function honest({ bytes }: BlobFixture, change = (part: Buffer) => part): Answer {
  return (request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (!match) return void response.writeHead(200, { "content-length": bytes.length }).end();
    const [start, end] = [Number(match[1]), Number(match[2])];
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${bytes.length}` });
    response.end(change(bytes.subarray(start, end + 1)));
  };
}

const logger = new MemoryLogger();

/** Longer than any test takes: for those in which a download has to end well. */
const patientMs = 20_000;

async function download(
  t: TestContext,
  webSeeds: readonly string[],
  { stallBoundMs = patientMs } = {},
) {
  const bench = await SwarmBench.create(openTestSwarm({ stallBoundMs }, logger), t);
  const wanted = await bench.wanted(blob, { webSeeds });
  return { wanted, download: bench.download(await bench.node(), wanted), bench };
}

test("a blob comes from a web seed and a node on ::1", { skip: withoutIpv6 }, async (t) => {
  const bench = await SwarmBench.create(openTestSwarm({ host: "::1" }), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  for (const from of ["peers", "webSeeds"] as const) {
    const sources =
      from === "peers"
        ? { peers: [{ host: "::1", port: seeder.port }] }
        : { webSeeds: [await serve(t, honest(blob), "::1")] };
    const wanted = await bench.wanted(blob, sources);
    const running = bench.download(await bench.node(), wanted);
    await running.whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
    assert.equal(running.received[from], blob.bytes.length);
  }
});

test("a blob comes from a web seed when there are no peers", async (t) => {
  const { wanted, download: running } = await download(t, [await serve(t, honest(blob))]);
  assert.equal(await running.hasGoodSource(t), true);
  await running.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
  assert.deepEqual(running.received, {
    peers: 0,
    seeders: 0,
    webSeeds: blob.bytes.length,
    origin: 0,
  });
});

test("peers come before web seeds", async (t) => {
  let asked = 0;
  const url = await serve(t, (request, response) => {
    if (request.method === "GET") asked++;
    honest(blob)(request, response);
  });
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  const peers = [{ host: "127.0.0.1", port: seeder.port }];
  const wanted = await bench.wanted(blob, { webSeeds: [url], peers });
  await bench.download(await bench.node(), wanted).whole();
  assert.equal(asked, 0);
});

const spoiled: Readonly<Record<string, Answer>> = {
  "wrong bytes": honest(blob, (part) => Buffer.alloc(part.length, 7)),
  "fewer bytes": honest(blob, (part) => part.subarray(1)),
  "more bytes": honest(blob, (part) => Buffer.concat([part, part])),
  "an error": (_, response) => response.writeHead(500).end(),
  "a redirect": (_, response) => response.writeHead(302, { location: "/elsewhere" }).end(),
  "the whole blob": (_, response) => response.end(blob.bytes),
  "another range": (_, response) => {
    response.writeHead(206, { "content-range": "bytes 0-9/10" }).end("0123456789");
  },
  "no HTTP": (request) => request.socket.end("what?\r\n\r\n"),
};

for (const [what, answer] of Object.entries(spoiled)) {
  test(`a web seed that answers with ${what} gives nothing, and others do`, async (t) => {
    const bad = await serve(t, answer);
    const { wanted, download: running } = await download(t, [bad, await serve(t, honest(blob))]);
    await running.whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
  });
}

test("a web seed that has not got the blob is told of once, quietly; one that fails is warned of", async (t) => {
  const linesOf = async (answer: Answer) => {
    logger.lines.length = 0;
    // Time to be asked twice on a busy machine.
    const bounds = { stallBoundMs: 4000 };
    const { download: running } = await download(t, [await serve(t, answer)], bounds);
    await assert.rejects(running.whole(), UnavailableError);
    return logger.lines.map(({ level }) => level);
  };
  assert.deepEqual(await linesOf((_, response) => response.writeHead(404).end()), ["debug"]);
  const levels = await linesOf((_, response) => response.writeHead(500).end());
  assert.ok(levels.length > 1 && levels.every((level) => level === "warn"));
});

test("a web seed that hangs is passed by", async (t) => {
  const silent = await serve(t, () => undefined);
  const { wanted, download: running } = await download(t, [silent, await serve(t, honest(blob))]);
  await running.whole();
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});

test("a download whose only web seed lies fails within the stall bound", async (t) => {
  const bad = await serve(t, spoiled["wrong bytes"] ?? honest(blob));
  const { download: running } = await download(t, [bad], { stallBoundMs: 1200 });
  await assert.rejects(running.whole(), UnavailableError);
});

test("isWebSeedUrl() takes HTTP and HTTPS only", () => {
  const urls = ["http://a/b", "https://a:1/b", "ftp://a/b", "file:///etc/passwd", "a/b", ""];
  assert.deepEqual(urls.map(isWebSeedUrl), [true, true, false, false, false, false]);
});
