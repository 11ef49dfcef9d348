import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { Client, type ClientDuplexStream, credentials, status } from "@grpc/grpc-js";

import { type Digest, digestOf } from "../../core/digest.ts";
import type { BlobRecord, BlobStore } from "../../core/ports/blob-store.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { SystemClock } from "../../core/system/system-clock.ts";
import { blobFixture } from "../../core/testing/blob-fixture.ts";
import { putBlob } from "../../core/testing/blob-store/sample-blobs.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { containerd, google } from "../../protos/gen/content.js";
import type { BlobFetcher } from "../blob-fetcher.ts";
import { registerContentService } from "./content-service.ts";
import { directWrite } from "./direct-write.ts";
import { NoFetcher } from "./no-fetcher.test-support.ts";
import { slowReader } from "./read.ts";
import { serveGrpc } from "./serve-grpc.ts";

const v1 = containerd.services.content.v1;
const { Empty } = google.protobuf;
const { WriteAction } = v1;
type WriteRequest = containerd.services.content.v1.WriteContentRequest.$Properties;
type WriteResponse = containerd.services.content.v1.WriteContentResponse;

interface Codec<Decoded, Given = Partial<Decoded>> {
  encode(message: Given): { finish(): Uint8Array };
  decode(wire: Uint8Array): Decoded;
}

const servicePath = "/containerd.services.content.v1.Content/";

/** A content service behind a socket, and a client that sends whatever it is told to. */
class World {
  readonly logger = new MemoryLogger();
  readonly store: BlobStore;
  readonly fetcher: BlobFetcher;
  /** What the swarm has brought so far. */
  readonly progress = new Map<Digest, number>();
  readonly #client: Client;

  private constructor(store: BlobStore, socketPath: string) {
    this.store = store;
    this.fetcher = Object.assign(new NoFetcher(store), {
      progressOf: (digest: Digest) => this.progress.get(digest),
    });
    const options = { "grpc.max_send_message_length": -1 };
    this.#client = new Client(`unix:${socketPath}`, credentials.createInsecure(), options);
  }

  static async start(t: TestContext, options: { isDirect?: boolean } = {}): Promise<World> {
    const root = testFolder(t, "rpc");
    const socketPath = join(root, "content.sock");
    const clock = new SystemClock();
    const logger = new MemoryLogger();
    const store = await DiskBlobStore.open({ root, clock, logger }, t);
    const world = new World(store, socketPath);
    const deps = { store, fetcher: world.fetcher, clock, logger: world.logger };
    const serving = await serveGrpc({
      socketPath,
      register: (server) => registerContentService(server, deps),
      ...(options.isDirect === true && { direct: directWrite(deps) }),
      readSource: world.fetcher,
      readSlow: slowReader(world),
      logger,
    });
    cleanUpOf(t).use(store);
    cleanUpOf(t).use(serving);
    cleanUpOf(t).defer(() => world.#client.close());
    return world;
  }

  async call<Request, Given, Response>(
    method: string,
    request: Given,
    [requests, responses]: readonly [Codec<Request, Given>, Codec<Response>],
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        servicePath + method,
        (message: Given) => Buffer.from(requests.encode(message).finish()),
        (wire: Buffer) => responses.decode(wire),
        request,
        (error, response) => {
          if (error || response === undefined) reject(error ?? new Error("no response"));
          else resolve(response);
        },
      );
    });
  }

  async info(digest: string): Promise<containerd.services.content.v1.Info.$Properties> {
    const { info } = await this.call("Info", { digest }, [v1.InfoRequest, v1.InfoResponse]);
    assert.ok(info);
    return info;
  }

  async update(
    digest: string,
    labels: Record<string, string>,
    paths?: string[],
  ): Promise<Record<string, string>> {
    const updateMask = paths ? { paths } : null;
    const codecs = [v1.UpdateRequest, v1.UpdateResponse] as const;
    const { info } = await this.call("Update", { info: { digest, labels }, updateMask }, codecs);
    return info?.labels ?? {};
  }

  /** Reads a blob, and has it deleted when its first bytes have come. */
  async readWhileDeleted(digest: string): Promise<Buffer> {
    const stream = this.#client.makeServerStreamRequest(
      `${servicePath}Read`,
      (message: { digest: string }) => Buffer.from(v1.ReadContentRequest.encode(message).finish()),
      (wire: Buffer) => v1.ReadContentResponse.decode(wire),
      { digest },
    );
    const chunks: Uint8Array[] = [];
    for await (const message of stream as AsyncIterable<containerd.services.content.v1.ReadContentResponse>) {
      if (chunks.length === 0) await this.delete(digest);
      chunks.push(message.data);
    }
    return Buffer.concat(chunks);
  }

  /** The lengths of the batches and all digests. */
  async list(filters: string[]): Promise<{ lengths: number[]; digests: string[] }> {
    const stream = this.#client.makeServerStreamRequest(
      `${servicePath}List`,
      (message: { filters: string[] }) =>
        Buffer.from(v1.ListContentRequest.encode(message).finish()),
      (wire: Buffer) => v1.ListContentResponse.decode(wire),
      { filters },
    );
    const lengths: number[] = [];
    const digests: string[] = [];
    for await (const message of stream as AsyncIterable<containerd.services.content.v1.ListContentResponse>) {
      lengths.push(message.info.length);
      for (const { digest } of message.info) {
        digests.push(digest ?? "");
        await this.delete(digest ?? "");
      }
    }
    return { lengths, digests };
  }

  async delete(digest: string): Promise<void> {
    await this.call("Delete", { digest }, [v1.DeleteContentRequest, Empty]);
  }

  async abort(ref: string): Promise<void> {
    await this.call("Abort", { ref }, [v1.AbortRequest, Empty]);
  }

  async status(ref: string): Promise<containerd.services.content.v1.Status.$Properties> {
    const answer = await this.call("Status", { ref }, [v1.StatusRequest, v1.StatusResponse]);
    assert.ok(answer.status);
    return answer.status;
  }

  async refs(filters: string[]): Promise<string[]> {
    const codecs = [v1.ListStatusesRequest, v1.ListStatusesResponse] as const;
    const { statuses } = await this.call("ListStatuses", { filters }, codecs);
    return statuses.map(({ ref }) => ref ?? "");
  }

  write(): ClientDuplexStream<WriteRequest, WriteResponse> {
    return this.#client.makeBidiStreamRequest(
      `${servicePath}Write`,
      (message: WriteRequest) => Buffer.from(v1.WriteContentRequest.encode(message).finish()),
      (wire: Buffer) => v1.WriteContentResponse.decode(wire),
    );
  }
}

/** Sends messages one after the other, each after the answer to the last; then says goodbye. */
async function converse(
  stream: ClientDuplexStream<WriteRequest, WriteResponse>,
  ...requests: readonly WriteRequest[]
): Promise<WriteResponse[]> {
  const answers: WriteResponse[] = [];
  const left = [...requests];
  const next = () => {
    const request = left.shift();
    if (request) stream.write(request);
    else stream.end();
  };
  next();
  for await (const answer of stream as AsyncIterable<WriteResponse>) {
    answers.push(answer);
    next();
  }
  return answers;
}

const missing = digestOf(Buffer.from("missing"));
const blob = blobFixture(1000);
const ref = "default/1/upload";
const unknownAction = Object.fromEntries([["action", 7]]);

test("Info tells all of a blob, and nothing of what containerd does not own", async (t) => {
  const world = await World.start(t);
  const labels = { a: "b", "c/d.e": "f" };
  const record = await putBlob(world.store, blob.bytes, { labels, provenance: "pull" });
  const info = await world.info(blob.digest);
  assert.equal(info.digest, blob.digest);
  assert.equal(Number(info.size), 1000);
  assert.deepEqual(info.labels, labels);
  assert.equal(nsOf(info.createdAt), record.createdAt);
  assert.equal(nsOf(info.updatedAt), record.updatedAt);
  await world.store.disown(blob.digest);
  await assert.rejects(world.info(blob.digest), { code: status.NOT_FOUND });
  await assert.rejects(world.info(missing), { code: status.NOT_FOUND });
  for (const bad of ["", "sha256:", "md5:00", "../..", `${missing}0`, missing.toUpperCase()]) {
    await assert.rejects(world.info(bad), { code: status.INVALID_ARGUMENT });
  }
});

test("Update changes labels as the mask says", async (t) => {
  const world = await World.start(t);
  const { createdAt } = await putBlob(world.store, blob.bytes, { labels: { a: "1", b: "2" } });
  const update = (labels: Record<string, string>, paths?: string[]) =>
    world.update(blob.digest, labels, paths);
  assert.deepEqual(await update({ a: "3" }, ["labels.a"]), { a: "3", b: "2" });
  assert.deepEqual(await update({ x: "y" }, ["labels.b"]), { a: "3" });
  assert.deepEqual(await update({ "c.d": "e" }, ["labels.c.d", "labels.a"]), { "c.d": "e" });
  assert.deepEqual(await update({ "c.d": "" }, ["labels.c.d"]), {});
  assert.deepEqual(await update({ f: "g" }), { f: "g" });
  assert.deepEqual(await update({ h: "i" }, ["labels"]), { h: "i" });
  assert.deepEqual(await update({ __proto__: "x", h: "j" }, ["labels.h"]), { h: "j" });
  assert.equal(nsOf((await world.info(blob.digest)).createdAt), createdAt);
  for (const wrong of ["size", "digest", "label", ""]) {
    await assert.rejects(update({}, [wrong]), { code: status.INVALID_ARGUMENT });
  }
  await assert.rejects(update({ a: "x".repeat(4096) }), { code: status.INVALID_ARGUMENT });
  assert.deepEqual((await world.info(blob.digest)).labels, { h: "j" });
  await assert.rejects(world.update(missing, {}), { code: status.NOT_FOUND });
  await assert.rejects(world.update("no digest", {}), { code: status.INVALID_ARGUMENT });
});

test("List gives batches of 100, while what it gave is deleted", async (t) => {
  const world = await World.start(t);
  assert.deepEqual(await world.list([]), { lengths: [], digests: [] });
  const records: BlobRecord[] = [];
  for (let count = 0; count < 120; count++) {
    records.push(await putBlob(world.store, Buffer.from(`blob ${count}`)));
  }
  const cached = await putBlob(world.store, blob.bytes, { provenance: "pull" });
  await world.store.disown(cached.digest);
  const { lengths, digests } = await world.list([]);
  assert.deepEqual(lengths, [100, 20]);
  assert.deepEqual(digests.toSorted(), records.map(({ digest }) => digest).toSorted());
  assert.deepEqual(
    [...world.store.records()].map(({ digest }) => digest),
    [cached.digest],
  );
});

test("List and ListStatuses heed filters", async (t) => {
  const world = await World.start(t);
  const { digest } = await putBlob(world.store, blob.bytes, { labels: { "a.b": "x" } });
  for (const filter of [`digest==${digest}`, "labels.a.b==x", 'labels."a.b"', "digest~=^sha256"]) {
    assert.deepEqual((await world.list([filter])).digests, [digest], filter);
    await putBlob(world.store, blob.bytes, { labels: { "a.b": "x" } });
  }
  for (const filter of ["size==1000", "labels.a", "digest==x", "labels.toString"]) {
    assert.deepEqual((await world.list([filter])).digests, [], filter);
  }
  await assert.rejects(world.list(["digest="]), { code: status.INVALID_ARGUMENT });
  for (const name of ["one", "two"]) {
    await (await world.store.openIngest(name, { total: 0 })).close();
  }
  assert.deepEqual((await world.refs([])).toSorted(), ["one", "two"]);
  assert.deepEqual(await world.refs(["ref==one"]), ["one"]);
  assert.deepEqual(await world.refs(["digest"]), []);
  await assert.rejects(world.refs(["ref="]), { code: status.INVALID_ARGUMENT });
});

test("Delete and Abort do not mind what is not there", async (t) => {
  const world = await World.start(t);
  await putBlob(world.store, blob.bytes);
  for (let count = 0; count < 2; count++) await world.delete(blob.digest);
  assert.equal(world.store.find(blob.digest), undefined);
  await assert.rejects(world.delete("no digest"), { code: status.INVALID_ARGUMENT });
  await (await world.store.openIngest(ref, { total: 0 })).close();
  for (let count = 0; count < 2; count++) await world.abort(ref);
  await assert.rejects(world.status(ref), { code: status.NOT_FOUND });
  await world.abort("");
});

test("Status tells of an ingest, and of what the swarm has brought of it", async (t) => {
  const world = await World.start(t);
  const pullRef = `default/1/layer-${blob.digest}`;
  const ingest = await world.store.openIngest(pullRef, { total: 1000 });
  await ingest.write(blob.bytes.subarray(0, 100));
  const told = await world.status(pullRef);
  assert.equal(told.ref, pullRef);
  assert.equal(Number(told.offset), 100);
  assert.equal(Number(told.total), 1000);
  assert.equal(nsOf(told.startedAt), ingest.status.startedAt);
  assert.equal(nsOf(told.updatedAt), ingest.status.updatedAt);
  world.progress.set(blob.digest, 700);
  assert.equal(Number((await world.status(pullRef)).offset), 700);
  await assert.rejects(world.status("another"), { code: status.NOT_FOUND });
});

test("what nobody foresaw is internal, and its story is only in our log", async (t) => {
  const world = await World.start(t);
  world.store.abortIngest = async () => {
    throw new TypeError("secret");
  };
  await assert.rejects(world.abort(ref), { code: status.INTERNAL, details: "internal error" });
  const [line] = world.logger.lines;
  assert.equal(line?.level, "error");
  assert.match(String(line.fields["error"]), /secret/);
});

for (const isDirect of [false, true]) {
  const by = isDirect ? "on the bare stream" : "by grpc-js";

  test(`Write takes a blob, ${by}`, async (t) => {
    const world = await World.start(t, { isDirect });
    const big = blobFixture(9 * 1024 * 1024);
    const half = 5 * 1024 * 1024;
    const labels = { a: "b" };
    const [opened, written, done] = await converse(
      world.write(),
      { ref, total: big.bytes.length },
      { action: WriteAction.WRITE, data: big.bytes.subarray(0, half) },
      { action: WriteAction.COMMIT, offset: half, data: big.bytes.subarray(half), labels },
    );
    assert.equal(opened?.action, WriteAction.STAT);
    assert.equal(opened.digest, digestOf(Buffer.alloc(0)));
    assert.equal(written?.action, WriteAction.WRITE);
    assert.equal(Number(written.offset), half);
    assert.equal(done?.action, WriteAction.COMMIT);
    assert.equal(Number(done.offset), big.bytes.length);
    assert.equal(done.digest, big.digest);
    assert.deepEqual((await world.info(big.digest)).labels, labels);
  });

  test(`Write fails with the codes that containerd acts on, ${by}`, async (t) => {
    const world = await World.start(t, { isDirect });
    await putBlob(world.store, blobFixture(5).bytes);
    const exists = blobFixture(5).digest;
    const { WRITE, COMMIT } = WriteAction;
    const data = blob.bytes;
    const failures: readonly (readonly [number, ...WriteRequest[]])[] = [
      [status.INVALID_ARGUMENT, { ref: "" }],
      [status.INVALID_ARGUMENT, { ref, expected: "no digest" }],
      [status.INVALID_ARGUMENT, { ref: "x".repeat(40_000) }],
      [status.INVALID_ARGUMENT, { ref, ...unknownAction }],
      [status.ALREADY_EXISTS, { ref, expected: exists }],
      [status.ALREADY_EXISTS, { ref, action: COMMIT, data: blobFixture(5).bytes }],
      [status.OUT_OF_RANGE, { ref, action: WRITE, offset: 5, data }],
      [status.OUT_OF_RANGE, { ref }, { action: WRITE, offset: -5, data }],
      [status.FAILED_PRECONDITION, { ref, action: COMMIT, data, total: 5 }],
      [status.FAILED_PRECONDITION, { ref, action: COMMIT, data, expected: missing }],
    ];
    for (const [code, ...requests] of failures) {
      await world.abort(ref);
      await assert.rejects(
        converse(world.write(), ...requests),
        { code },
        JSON.stringify(requests),
      );
    }
    const holder = await world.store.openIngest("held", { total: 0 });
    await assert.rejects(converse(world.write(), { ref: "held" }), { code: status.UNAVAILABLE });
    await holder.close();
    assert.deepEqual(
      world.logger.lines.filter(({ level }) => level === "error"),
      [],
    );
  });

  test(`a Write that ends early can be resumed at once, ${by}`, async (t) => {
    const world = await World.start(t, { isDirect });
    const data = blob.bytes.subarray(0, 400);
    await converse(world.write(), { ref, action: WriteAction.WRITE, data });
    const [resumed] = await converse(world.write(), { ref });
    assert.equal(Number(resumed?.offset), 400);
    assert.equal(resumed?.digest, digestOf(data));
  });

  test(`a Write that the caller leaves frees its ref, ${by}`, async (t) => {
    const world = await World.start(t, { isDirect });
    const left = world.write();
    const failed = new Promise((resolve) => left.on("error", resolve));
    left.write({ ref });
    await new Promise((resolve) => left.once("data", resolve));
    left.cancel();
    await failed;
    // The server hears of it a moment later, as it does with containerd, which tries again.
    for (;;) {
      const [answer] = await converse(world.write(), { ref }).catch(() => []);
      if (answer) break;
    }
    assert.deepEqual(
      world.logger.lines.filter(({ level }) => level === "error"),
      [],
    );
  });
}

function nsOf(time: google.protobuf.Timestamp.$Properties | null | undefined): bigint {
  return BigInt(Number(time?.seconds)) * 1_000_000_000n + BigInt(time?.nanos ?? 0);
}

test("a Read that has begun ends well when its blob is deleted", async (t) => {
  const world = await World.start(t);
  // More than is on its way at once.
  const { bytes, digest } = blobFixture(16 * 1024 * 1024);
  await putBlob(world.store, bytes);
  assert.ok((await world.readWhileDeleted(digest)).equals(bytes));
  assert.equal(world.store.find(digest), undefined);
});
