import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { encodeMetainfo, parseMetainfo } from "../metainfo.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { MemoryLogger } from "../testing/memory-logger.ts";
import { HttpDirectory, type HttpDirectoryDeps } from "./http-directory.ts";

const { digest, metainfo } = blobFixture(1_000_000);
const peers = [{ host: "10.0.0.1", port: 7080 }];
const webSeeds = [`http://seeder:7072/v1/blobs/${digest}`];

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

const knowing: Handle = (_request, response) =>
  void response.end(encodeMetainfo(metainfo, { peers, webSeeds }));
const unknowing: Handle = (_request, response) => void response.writeHead(404).end();
const hanging: Handle = () => undefined;

async function service(t: TestContext, handle: Handle) {
  const requests: string[] = [];
  const behaviour = { handle };
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    behaviour.handle(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening", t);
  cleanUpOf(t).defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { behaviour, requests, url };
}

function directoryOf(t: TestContext, services: Partial<HttpDirectoryDeps>) {
  const logger = new MemoryLogger();
  const patient = { lookupTimeoutMs: 30_000, graceMs: 30_000 };
  const deps = { trackers: [], seeders: [], ...patient, logger, ...services };
  const directory = cleanUpOf(t).use(new HttpDirectory(deps));
  return Object.assign(directory, { logger });
}

/** Takes what is published and says which run it is. */
function publishing(generation: { name: string }, onPublished: (digest: string) => void): Handle {
  return (request, response) => {
    response.setHeader("x-shoal-generation", generation.name);
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.method === "PUT") onPublished(parseMetainfo(Buffer.concat(parts)).digest);
      response.writeHead(request.method === "PUT" ? 201 : 404).end();
    });
  };
}

test("lookup() gives what a service knows; web seeds only of a seeder", async (t) => {
  const { url } = await service(t, knowing);
  const seeders = directoryOf(t, { seeders: [url] });
  assert.deepEqual(await seeders.lookup(digest, t), { metainfo, peers, webSeeds });
  const trackers = directoryOf(t, { trackers: [url] });
  assert.deepEqual(await trackers.lookup(digest, t), { metainfo, peers, webSeeds: [] });
});

test("lookup() gives nothing when all say that they know nothing, or nobody is there", async (t) => {
  const { url } = await service(t, unknowing);
  assert.equal(await directoryOf(t, { trackers: [url, `${url}/`] }).lookup(digest, t), undefined);
  assert.equal(await directoryOf(t, {}).lookup(digest, t), undefined);
});

test("lookup() does not wait for a service that hangs when another one knows", async (t) => {
  const [slow, quick] = [await service(t, hanging), await service(t, knowing)];
  const directory = directoryOf(t, { trackers: [slow.url], seeders: [quick.url] });
  assert.deepEqual((await directory.lookup(digest, t))?.peers, peers);
});

test("lookup() waits for a slow service that knows while others do not, and stops at its bound", async (t) => {
  const empty = await service(t, unknowing);
  let answer: () => void = () => undefined;
  const slow = await service(t, (request, response) => {
    answer = () => knowing(request, response);
    setImmediate(answer);
  });
  const directory = directoryOf(t, { trackers: [empty.url, slow.url] });
  assert.ok(await directory.lookup(digest, t));
  slow.behaviour.handle = hanging;
  const bounded = directoryOf(t, { trackers: [empty.url, slow.url], lookupTimeoutMs: 100 });
  assert.equal(await bounded.lookup(digest, t), undefined);
  assert.equal(bounded.status().find(({ name }) => name === slow.url)?.up, false);
});

test("lookup() does not wait again for who failed, but takes it back when it answers", async (t) => {
  const flaky = await service(t, (request) => void request.socket.destroy());
  const empty = await service(t, unknowing);
  const directory = directoryOf(t, { trackers: [flaky.url], seeders: [empty.url] });
  assert.equal(await directory.lookup(digest, t), undefined);
  const [status] = directory.status();
  assert.equal(status?.up, false);
  assert.ok(status.problem);
  flaky.behaviour.handle = hanging;
  assert.equal(await directory.lookup(digest, t), undefined);
  // Called off, not waited for until it failed again: what is known of it is the same.
  assert.deepEqual(directory.status()[0], status);
  flaky.behaviour.handle = knowing;
  while (!(await directory.lookup(digest, t)));
  assert.deepEqual(directory.status()[0], { kind: "tracker", name: flaky.url, up: true });
});

test("lookup() prefers an answer that names somebody to fetch from", async (t) => {
  const bare = await service(
    t,
    (_request, response) => void response.end(encodeMetainfo(metainfo)),
  );
  const full = await service(t, (request, response) => {
    setImmediate(() => knowing(request, response));
  });
  const services = { trackers: [bare.url], seeders: [full.url] };
  const patient = directoryOf(t, { ...services, shortTimeoutMs: 10_000 });
  assert.deepEqual((await patient.lookup(digest, t))?.webSeeds, webSeeds);
  full.behaviour.handle = hanging;
  const directory = directoryOf(t, services);
  assert.deepEqual(await directory.lookup(digest, t), { metainfo, peers: [], webSeeds: [] });
});

test("lookup() takes no nonsense for an answer", async (t) => {
  const other = encodeMetainfo(blobFixture(1000, "other").metainfo);
  const answers: Handle[] = [
    (_request, response) => void response.end(other),
    (_request, response) => void response.end("<html>"),
    (_request, response) => void response.end(Buffer.alloc(10 * 1024 * 1024)),
    (_request, response) => void response.writeHead(500).end(encodeMetainfo(metainfo)),
    (_request, response) => void response.writeHead(302, { location: "http://other/" }).end(),
    (request) => void request.socket.end("HTTP/1.1 nonsense\r\n\r\n"),
  ];
  const services = await Promise.all(answers.map((handle) => service(t, handle)));
  const directory = directoryOf(t, { trackers: services.map(({ url }) => url) });
  assert.equal(await directory.lookup(digest, t), undefined);
  assert.ok(directory.status().every(({ up }) => up === false));
});

test("lookup() tells services which torrents are refused", async (t) => {
  const { url, requests } = await service(t, unknowing);
  const refused = new Set(["a".repeat(40), "b".repeat(40)]);
  await directoryOf(t, { trackers: [url] }).lookup(digest, { ...t, signal: t.signal, refused });
  const query = [...refused].map((infoHash) => `refused=${infoHash}`).join("&");
  assert.deepEqual(requests, [`GET /v1/metainfo/${digest}?${query}`]);
});

test("lookup() can be cancelled, which is nobody's failure", async (t) => {
  const { url } = await service(t, hanging);
  const directory = directoryOf(t, { trackers: [url] });
  const controller = new AbortController();
  const lookup = directory.lookup(digest, controller);
  controller.abort();
  await assert.rejects(lookup, { name: "AbortError" });
  await assert.rejects(directory.lookup(digest, controller), { name: "AbortError" });
  assert.deepEqual(directory.status(), [{ kind: "tracker", name: url }]);
});

test("publish() tells every tracker once, with the token, and no seeder", async (t) => {
  const generation = { name: "first" };
  const authorizations: (string | undefined)[] = [];
  const done = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const trackers = await Promise.all(
    done.map(({ resolve }) =>
      service(t, (request, response) => {
        authorizations.push(request.headers.authorization);
        publishing(generation, resolve)(request, response);
      }),
    ),
  );
  const seeder = await service(t, unknowing);
  const directory = directoryOf(t, {
    trackers: trackers.map(({ url }) => url),
    seeders: [seeder.url],
    publishToken: "token",
  });
  directory.publish(metainfo);
  directory.publish(metainfo);
  assert.deepEqual(await Promise.all(done.map(({ promise }) => promise)), [digest, digest]);
  // A second blob comes after all that was there before it.
  const last = blobFixture(1000, "last");
  directory.publish(last.metainfo);
  const put = `PUT /v1/metainfo/${last.digest}`;
  while (!trackers.every(({ requests }) => requests.includes(put))) await turn();
  for (const { requests } of trackers) assert.equal(requests.length, 2);
  assert.deepEqual(seeder.requests, []);
  assert.ok(authorizations.every((authorization) => authorization === "Bearer token"));
});

test("publish() tries again when a tracker fails, and not when it refuses", async (t) => {
  const { url, requests, behaviour } = await service(t, (_request, response) => {
    behaviour.handle = (_next, refusal) => void refusal.writeHead(400).end();
    response.writeHead(503).end();
  });
  const directory = directoryOf(t, { trackers: [url] });
  directory.publish(metainfo);
  while (directory.logger.lines.every(({ level }) => level !== "warn")) await turn();
  assert.equal(requests.length, 2);
  assert.deepEqual(
    directory.logger.lines.map(({ message }) => message),
    ["cannot reach tracker", "tracker refuses metainfo"],
  );
});

test("what is held is published again to a tracker that is another run", async (t) => {
  const generation = { name: "first" };
  const published: string[] = [];
  const { url } = await service(
    t,
    publishing(generation, (name) => published.push(name)),
  );
  const directory = directoryOf(t, { trackers: [url] });
  const blobs = ["a", "b", "c"].map((seed) => blobFixture(1000, seed));
  for (const blob of blobs) directory.publish(blob.metainfo);
  while (published.length < 3) await turn();
  await directory.lookup(digest, t);
  published.length = 0;
  generation.name = "second";
  await directory.lookup(digest, t);
  while (published.length < 3) await turn();
  assert.deepEqual(published.sort(), blobs.map((blob) => blob.digest).sort());
});

test("dispose ends what is under way", async (t) => {
  const { url, requests } = await service(t, hanging);
  const directory = directoryOf(t, { trackers: [url, "http://127.0.0.1:1"] });
  directory.publish(metainfo);
  while (requests.length === 0) await turn();
  await directory[Symbol.asyncDispose]();
});

/** Lets sockets have their turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
