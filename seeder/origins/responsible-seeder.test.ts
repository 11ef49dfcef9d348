import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, json } from "node:stream/consumers";
import { test } from "node:test";

import { Credential } from "../../core/credential.ts";
import {
  BlobNotFoundError,
  BlobSizeError,
  StorageFullError,
  UnavailableError,
} from "../../core/errors.ts";
import type { ColdAnswer } from "../../core/ports/cold-source.ts";
import { HostLimits } from "../../core/limits/host-limits.ts";
import type { BlobOptions } from "../../core/ports/origin.ts";
import { rendezvousOrder } from "../../core/rendezvous.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import type { ServiceStatus } from "../../core/service-status.ts";
import { openTestSeeder } from "../open-test-seeder.test-support.ts";
import type { SecondHandOptions } from "../second-hand.ts";
import { ResponsibleSeeder } from "./responsible-seeder.ts";

const self = "http://seeder-1.example:7072";
const other = "http://seeder-2.example:7072";
const size = 1000;

/** What a seeder says to the question for a blob, in turn. */
type Says = ColdAnswer | Error | undefined;

/** A blob that the other seeder is responsible for, or another one. */
function blobOf(seeder: string, among: readonly string[] = [self, other]) {
  for (let seed = 0; ; seed++) {
    const { bytes, digest } = blobFixture(size, `blob ${seed}`);
    if (rendezvousOrder(digest, among)[0] === seeder) return { bytes, digest };
  }
}

const { bytes, digest } = blobOf(other);
const whole = { state: "whole", size } as const;
const ahead = { isAhead: () => true };

/** The other seeder gives those bytes of a blob, and breaks off where they are not all. */
function open(says: readonly Says[], { given = size, totalMsMax = 21 } = {}) {
  const asked: string[] = [];
  const left = [...says];
  const fetch = async () => {
    asked.push("seeder");
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  async function* body(start: number) {
    yield bytes.subarray(start, given);
    // One that does not end.
    while (given > size) yield bytes;
    if (given < size) throw new UnavailableError("it broke off");
  }
  const client = {
    open: async ({ url, headers = {} }: { url: string; headers?: Record<string, string> }) => {
      assert.equal(url, `${other}/v1/blobs/${digest}`);
      asked.push(headers["range"] ?? "");
      const start = Number(/[0-9]+/.exec(headers["range"] ?? "")?.[0]);
      return { status: 206, headers: {}, body: body(start) };
    },
  };
  const origin = {
    async *blob(from: { descriptor: { digest: string } }, { start }: BlobOptions) {
      asked.push(`origin ${start}`);
      yield (from.descriptor.digest === digest ? bytes : blobOf(self).bytes).subarray(start);
    },
  };
  const others = new Map([[other, { fetch }]]);
  const logger = new MemoryLogger();
  const seeder = new ResponsibleSeeder({
    ...{ self, others, client, origin, logger },
    patience: { pauseMs: 1, pausesMax: 9, totalMsMax, lookMs: 1 },
    // Each question takes a millisecond.
    nowMs: () => asked.length,
    limits: new HostLimits(),
  });
  const read = async (options: Partial<SecondHandOptions> = ahead, wanted = digest) => {
    const descriptor = { mediaType: "layer", digest: wanted, size };
    const from = { registry: "r.example", repository: "pond/fish", descriptor };
    const { signal } = new AbortController();
    return buffer(seeder.blob(from, { start: 0, signal, ...options }));
  };
  return { asked, read };
}

test("what is fetched ahead comes from the seeder that is responsible", async () => {
  const large = open([whole]);
  assert.deepEqual(await large.read(), bytes);
  assert.deepEqual(large.asked, ["seeder", "bytes=0-"]);
  const rest = open([whole]);
  assert.deepEqual(await rest.read({ ...ahead, start: 400 }), bytes.subarray(400));
  assert.deepEqual(rest.asked, ["seeder", "bytes=400-"]);
  const small = open([{ ...whole, content: bytes }]);
  assert.deepEqual(await small.read({ ...ahead, start: 400 }), bytes.subarray(400));
  assert.deepEqual(small.asked, ["seeder"]);
});

test("what this seeder is responsible for, and what somebody waits for, comes from the origin", async () => {
  const own = blobOf(self);
  const bench = open([]);
  assert.deepEqual(await bench.read(ahead, own.digest), own.bytes);
  assert.deepEqual(await bench.read({ isAhead: () => false }), bytes);
  assert.deepEqual(await bench.read({}), bytes);
  const authorization = new Credential("Basic x");
  assert.deepEqual(await bench.read({ ...ahead, authorization }), bytes);
  assert.deepEqual(bench.asked, Array<string>(4).fill("origin 0"));
});

test("what the other seeder cannot give comes from the origin, and no byte twice", async () => {
  const broken = open([whole], { given: 300 });
  assert.deepEqual(await broken.read(), bytes);
  assert.deepEqual(broken.asked, ["seeder", "bytes=0-", "origin 300"]);
  for (const says of [undefined, new BlobNotFoundError(digest)]) {
    const bench = open([says]);
    assert.deepEqual(await bench.read(), bytes);
    assert.deepEqual(bench.asked, ["seeder", "origin 0"]);
  }
});

test("a seeder that cannot tell yet is asked again, until somebody waits for the blob", async () => {
  const busy = new UnavailableError("Cannot tell yet");
  const patient = open([busy, busy, whole]);
  assert.deepEqual(await patient.read(), bytes);
  assert.deepEqual(patient.asked, ["seeder", "seeder", "seeder", "bytes=0-"]);
  const bench = open([busy, busy, whole]);
  assert.deepEqual(await bench.read({ isAhead: () => bench.asked.length < 2 }), bytes);
  assert.deepEqual(bench.asked, ["seeder", "seeder", "origin 0"]);
  const never = open(Array<Error>(20).fill(busy));
  assert.deepEqual(await never.read(), bytes);
  assert.deepEqual(never.asked, [...Array<string>(10).fill("seeder"), "origin 0"]);
});

test("a seeder that says when to ask again is asked for longer, but not for ever", async () => {
  const later = new UnavailableError("Cannot tell yet", { retryAfterMs: 1 });
  const patient = open([...Array<Error>(15).fill(later), whole]);
  assert.deepEqual(await patient.read(), bytes);
  assert.deepEqual(patient.asked, [...Array<string>(16).fill("seeder"), "bytes=0-"]);
  const never = open(Array<Error>(40).fill(later));
  assert.deepEqual(await never.read(), bytes);
  assert.deepEqual(never.asked, [...Array<string>(21).fill("seeder"), "origin 0"]);
  const muchLater = open([new UnavailableError("no", { retryAfterMs: 3_600_000 }), whole]);
  assert.deepEqual(await muchLater.read(), bytes);
  assert.deepEqual(muchLater.asked, ["seeder", "origin 0"]);
});

test("who pulls what is fetched ahead does not wait out what a seeder says", async () => {
  const later = new UnavailableError("Cannot tell yet", { retryAfterMs: 60_000 });
  const bench = open([later, whole], { totalMsMax: 100_000 });
  let looks = 0;
  assert.deepEqual(await bench.read({ isAhead: () => ++looks < 5 }), bytes);
  assert.deepEqual(bench.asked, ["seeder", "origin 0"]);
});

test("a seeder that has no room is not asked again", async () => {
  const cause = new StorageFullError("Cannot write");
  const full = open([new UnavailableError("no room", { cause }), whole]);
  assert.deepEqual(await full.read(), bytes);
  assert.deepEqual(full.asked, ["seeder", "origin 0"]);
});

test("what comes from another seeder is told, and none is asked for what must be at first hand", async () => {
  let told = 0;
  const onSecondHand = (count: number) => (told += count);
  const broken = open([whole], { given: 300 });
  assert.deepEqual(await broken.read({ ...ahead, onSecondHand }), bytes);
  assert.equal(told, 300);
  const bench = open([whole]);
  assert.deepEqual(await bench.read({ ...ahead, isFirstHand: true }), bytes);
  assert.deepEqual(bench.asked, ["origin 0"]);
});

test("another seeder that gives more than the blob is read no further", async () => {
  const { asked, read } = open([whole], { given: size + 1 });
  let told = 0;
  await assert.rejects(read({ ...ahead, onSecondHand: (count) => (told += count) }), BlobSizeError);
  assert.equal(told, 2 * size);
  assert.deepEqual(asked, ["seeder", "bytes=0-"]);
});

test("an image that two seeders preheat costs its registry one copy of what is another's", async (t) => {
  const second = await openTestSeeder(t);
  const { registry } = second;
  const first = await openTestSeeder(t, {
    ...{ registry, config: { cluster: { self, others: [second.url] } } },
  });
  const layer = blobOf(second.url, [self, second.url]);
  registry.addImage([layer.bytes], "pond/fish:latest");
  for (const { preheat } of [first, second]) assert.equal((await preheat()).end.ok, true);
  const taken = registry.requests.filter(
    ({ method, url }) => method === "GET" && url.includes(layer.digest),
  );
  assert.equal(taken.length, 1);
  const stored = await first.blob(layer.digest);
  assert.deepEqual(Buffer.from(await stored.arrayBuffer()), layer.bytes);
});

test("what another seeder gives damaged comes from the origin, and bytes are told by giver", async (t) => {
  const second = await openTestSeeder(t);
  const { registry } = second;
  // It says of all blobs that it has them, also of the config if it is responsible for that.
  const sizes = new Map<string, number>();
  let givenBytes = 0;
  const damaging = createServer((request, response) => {
    const wanted = sizes.get((request.url ?? "").slice("/v1/blobs/".length));
    if (wanted !== undefined) {
      givenBytes += wanted;
      response.writeHead(206).end(Buffer.alloc(wanted, 7));
      return;
    }
    void json(request).then((question) => {
      const asked = question as { readonly digest: string; readonly size: number };
      sizes.set(asked.digest, asked.size);
      response.end(JSON.stringify({ state: "whole", size: asked.size }));
    });
  }).listen(0, "127.0.0.1");
  await once(damaging, "listening");
  cleanUpOf(t).defer(() => damaging.close());
  const { port } = damaging.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const layer = blobOf(url, [self, url]);
  registry.addImage([layer.bytes], "pond/fish:latest");
  const first = await openTestSeeder(t, {
    ...{ registry, config: { cluster: { self, others: [url] } } },
  });
  const { end } = await first.preheat();
  assert.equal(end.ok, true);
  const stored = await first.blob(layer.digest);
  assert.deepEqual(Buffer.from(await stored.arrayBuffer()), layer.bytes);
  const status = (await (await fetch(`${first.url}/v1/status`)).json()) as ServiceStatus;
  assert.ok(givenBytes >= size);
  assert.equal(status.traffic?.received.seeders, givenBytes);
  assert.equal(status.traffic.originBytes, end.bytes);
});
