import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";

import type { Descriptor } from "../descriptor.ts";
import { digestOf } from "../digest.ts";
import {
  AccessDeniedError,
  BlobNotFoundError,
  BlobSizeError,
  UnavailableError,
} from "../errors.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { FakeRegistry } from "../testing/fake-registry.ts";
import type { RegistryWaits } from "./registry-origin.ts";
import { type OriginBench, openOriginBench } from "./registry-origin.test-support.ts";

const repository = "pond/fish";
const { bytes } = blobFixture(200_000);
const half = bytes.length / 2;

/** A registry with one blob. */
interface BlobBench extends OriginBench {
  readonly descriptor: Descriptor;
  readonly readBlob: (start?: number) => Promise<Buffer>;
}

async function open(t: TestContext, waits?: Partial<RegistryWaits>): Promise<BlobBench> {
  const { registry, origin } = await openOriginBench(t, waits);
  const descriptor = registry.addBlob(bytes);
  const readBlob = async (start = 0) => {
    const chunks: Uint8Array[] = [];
    const from = { registry: registry.host, repository, descriptor };
    for await (const chunk of origin.blob(from, { start, signal: t.signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  return { registry, origin, descriptor, readBlob };
}

/** Sends the first half of the blob under headers that promise all of it. */
function sendHalf(response: ServerResponse): void {
  response.writeHead(200, { "content-length": bytes.length });
  response.write(bytes.subarray(0, half));
}

test("blob() gives a blob, from its start or from elsewhere", async (t) => {
  const { registry, readBlob } = await open(t);
  assert.deepEqual(await readBlob(), bytes);
  assert.deepEqual(await readBlob(half), bytes.subarray(half));
  assert.deepEqual(await readBlob(bytes.length), Buffer.alloc(0));
  assert.deepEqual(
    registry.requests.map(({ range }) => range),
    [undefined, `bytes=${half}-`],
  );
});

test("blob() gives a manifest, from where registries have them", async (t) => {
  const { registry, origin } = await open(t);
  const { manifest } = registry.addImage([bytes], `${repository}:v1`);
  const from = { registry: registry.host, repository, descriptor: manifest };
  const chunks: Uint8Array[] = [];
  for await (const chunk of origin.blob(from, { start: 0, signal: t.signal })) chunks.push(chunk);
  assert.equal(digestOf(Buffer.concat(chunks)), manifest.digest);
  assert.equal(registry.requests[0]?.url, `/v2/${repository}/manifests/${manifest.digest}`);
});

test("blob() goes on where a connection broke", async (t) => {
  const { registry, readBlob } = await open(t);
  let isFirst = true;
  registry.fault = (_, response) => {
    if (!isFirst) return false;
    isFirst = false;
    sendHalf(response);
    setImmediate(() => response.destroy());
    return true;
  };
  assert.deepEqual(await readBlob(), bytes);
  assert.equal(registry.requests.length, 2);
  assert.match(registry.requests[1]?.range ?? "", /^bytes=\d+-$/);
});

test("blob() goes on where a body was shorter than the blob, with no word of it", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = ({ headers }, response) => {
    if (headers.range !== undefined) return false;
    response.end(bytes.subarray(0, half));
    return true;
  };
  assert.deepEqual(await readBlob(), bytes);
});

test("blob() drops what it has when a registry does not know Range", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = (_, response) => response.end(bytes).headersSent;
  assert.deepEqual(await readBlob(half), bytes.subarray(half));
});

test("blob() does not take another range for the one that it asked for", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = (_, response) => {
    response.writeHead(206, { "content-range": `bytes 7-${bytes.length - 1}/${bytes.length}` });
    response.end(bytes.subarray(7));
    return true;
  };
  await assert.rejects(readBlob(half), /status 206/);
});

test("blob() leaves a registry that sends nothing more, and goes on with the next try", async (t) => {
  const { registry, readBlob } = await open(t, { stallMs: 1000 });
  registry.fault = ({ headers }, response) => {
    if (headers.range !== undefined) return false;
    sendHalf(response);
    return true;
  };
  assert.deepEqual(await readBlob(), bytes);
});

test("blob() gives up when nothing comes any more", async (t) => {
  const { registry, readBlob } = await open(t, { stallMs: 200 });
  registry.fault = (_, response) => {
    response.writeHead(200, { "content-length": bytes.length }).flushHeaders();
    return true;
  };
  await assert.rejects(readBlob(), UnavailableError);
  assert.equal(registry.requests.length, 3);
});

test("blob() does not wait for drops, and waits as long as it is itself that is slow", async (t) => {
  let nowMs = 0;
  const { registry, origin, descriptor } = await open(t, { nowMs: () => nowMs });
  const from = { registry: registry.host, repository, descriptor };
  let drip: (end: number) => void = () => undefined;
  registry.fault = (_, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    drip = (end) => void response.write(bytes.subarray(0, end));
    drip(1);
    return true;
  };
  const read = async (eachMs: { readonly waited: number; readonly taken: number }, end: number) => {
    let chunks = 0;
    for await (const chunk of origin.blob(from, { start: 0, signal: t.signal })) {
      if (chunk.byteLength === 0 || ++chunks === 20) return;
      nowMs += eachMs.taken;
      setImmediate(() => {
        nowMs += eachMs.waited;
        drip(end);
      });
    }
  };
  await assert.rejects(read({ waited: 10_000, taken: 0 }, 1), UnavailableError);
  assert.equal(registry.requests.length, 1);
  await read({ waited: 0, taken: 60_000 }, 1);
  await read({ waited: 200, taken: 0 }, 1000);
  // What came fast pays for little of what comes slowly.
  await assert.rejects(read({ waited: 61_000, taken: 0 }, 1000), UnavailableError);
});

test("blob() takes no number of informational answers for one", async (t) => {
  const { registry, readBlob } = await open(t, { answerMs: 1000 });
  const intervals: NodeJS.Timeout[] = [];
  cleanUpOf(t).defer(() => intervals.forEach(clearInterval));
  registry.fault = (_, response) => {
    intervals.push(setInterval(() => response.writeProcessing(), 20));
    return true;
  };
  await assert.rejects(readBlob(), UnavailableError);
  assert.equal(registry.requests.length, 3);
});

test("blob() does not let a registry keep it with a byte each time", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = ({ headers }, response) => {
    const start = Number(/\d+/.exec(headers.range ?? "0")?.[0]);
    const contentRange = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(start > 0 ? 206 : 200, { "content-range": contentRange });
    response.end(bytes.subarray(start, start + 1));
    return true;
  };
  await assert.rejects(readBlob(), UnavailableError);
  assert.equal(registry.requests.length, 101);
});

test("blob() gives nothing of a blob that is said to be longer", async (t) => {
  const { registry, origin, descriptor } = await open(t);
  const from = { registry: registry.host, repository };
  for (const [start, size] of [
    [0, 10],
    [5, 10],
  ] as const) {
    const shorter = { ...from, descriptor: { ...descriptor, size } };
    const read = origin.blob(shorter, { start, signal: t.signal })[Symbol.asyncIterator]();
    await assert.rejects(read.next(), BlobSizeError);
  }
  assert.equal(registry.requests.length, 2);
});

test("blob() stops at more bytes than the blob has", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = (_, response) => {
    // Without a word on its length.
    response.flushHeaders();
    return response.end(Buffer.alloc(bytes.length + 1)).headersSent;
  };
  await assert.rejects(readBlob(), BlobSizeError);
});

test("blob() logs in again in the middle of a blob", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.login = { scheme: "bearer" };
  registry.fault = ({ headers }, response) => {
    if (headers.authorization === undefined || registry.tokens[0] === "ended") return false;
    registry.tokens[0] = "ended";
    sendHalf(response);
    setImmediate(() => response.destroy());
    return true;
  };
  assert.deepEqual(await readBlob(), bytes);
  assert.equal(registry.requestsFor("/token").length, 2);
});

test("blob() says that there is none, or that it is not for us, without another try", async (t) => {
  const { registry, readBlob } = await open(t);
  registry.fault = (_, response) => response.writeHead(404).end().headersSent;
  await assert.rejects(readBlob(), BlobNotFoundError);
  registry.fault = (_, response) => response.writeHead(403).end().headersSent;
  await assert.rejects(readBlob(), AccessDeniedError);
  assert.equal(registry.requests.length, 2);
});

test("blob() follows a redirect to where blobs are kept, for each try anew", async (t) => {
  const { registry, origin, descriptor } = await open(t);
  const store = cleanUpOf(t).use(await FakeRegistry.open());
  registry.login = { scheme: "bearer" };
  registry.fault = ({ url = "", headers }, response) => {
    if (headers.authorization === undefined) return false;
    const location = `http://${store.host}${url}?signature=${registry.requests.length}`;
    return response.writeHead(307, { location }).end().headersSent;
  };
  store.fault = ({ headers }, response) => {
    if (headers.range === undefined) response.end(bytes.subarray(0, half));
    else {
      const contentRange = `bytes ${half}-${bytes.length - 1}/${bytes.length}`;
      response.writeHead(206, { "content-range": contentRange }).end(bytes.subarray(half));
    }
    return true;
  };
  const chunks: Uint8Array[] = [];
  const from = { registry: registry.host, repository, descriptor };
  for await (const chunk of origin.blob(from, { start: 0, signal: t.signal })) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), bytes);
  assert.equal(new Set(store.requests.map(({ url }) => url)).size, 2);
  assert.ok(store.requests.every(({ authorization }) => authorization === undefined));
});

test("blob() names the host that does not answer where a redirect leads nowhere, after few tries", async (t) => {
  const { registry, readBlob } = await open(t);
  const store = await FakeRegistry.open();
  await store[Symbol.asyncDispose]();
  registry.fault = ({ url = "" }, response) => {
    const location = `http://${store.host}${url}?signature=x`;
    return response.writeHead(307, { location }).end().headersSent;
  };
  await assert.rejects(readBlob(), {
    name: "UnavailableError",
    message: `Cannot reach ${store.host}: ECONNREFUSED`,
  });
  assert.equal(registry.requests.length, 3);
});

test("blob() waits for a registry that has too many requests in the middle of a blob", async (t) => {
  const { registry, readBlob } = await open(t);
  let busyCount = 2;
  registry.fault = ({ headers }, response) => {
    if (headers.range === undefined) return response.end(bytes.subarray(0, half)).headersSent;
    if (busyCount-- <= 0) return false;
    return response.writeHead(429, { "retry-after": "0" }).end().headersSent;
  };
  assert.deepEqual(await readBlob(), bytes);
});

test("blob() lets go of its connection when its consumer leaves, or is cancelled", async (t) => {
  const { registry, origin, descriptor } = await open(t);
  const closed: Promise<unknown>[] = [];
  registry.fault = (_, response) => {
    closed.push(new Promise((resolve) => response.once("close", resolve)));
    sendHalf(response);
    return true;
  };
  const from = { registry: registry.host, repository, descriptor };
  for await (const chunk of origin.blob(from, { start: 0, signal: t.signal })) {
    assert.ok(chunk.byteLength > 0);
    break;
  }
  await closed[0];
  const aborting = new AbortController();
  const read = async () => {
    const blob = origin.blob(from, { start: 0, signal: aborting.signal });
    for await (const chunk of blob) if (chunk.byteLength > 0) aborting.abort();
  };
  await assert.rejects(read(), { name: "AbortError" });
  await closed[1];
});
