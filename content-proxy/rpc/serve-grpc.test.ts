import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, existsSync, openSync, statSync, writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import * as grpc from "@grpc/grpc-js";

import { digestOf, type Digest } from "../../core/digest.ts";
import { BlobNotFoundError, UnavailableError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { containerd } from "../../protos/gen/content.js";
import type { LocatedBlob } from "../blob-fetcher.ts";
import {
  frame,
  RawPeer,
  requestFrame,
  setting,
  uint32,
  type RawFrame,
} from "../http2/raw-peer.test-support.ts";
import { SeededRandom } from "../http2/seeded-random.test-support.ts";
import type { BlobReadRequest } from "./read-call.ts";
import { serveGrpc } from "./serve-grpc.ts";

const { ReadContentRequest, ReadContentResponse } = containerd.services.content.v1;
const readPath = "/containerd.services.content.v1.Content/Read";
const bigMessageLength = 16 * 1024 * 1024;

const blob = new SeededRandom(5).bytes(300_000);
const digest = digestOf(blob);
const emptyDigest = digestOf(Buffer.alloc(0));

/** A server of all there is, and a client of it. */
class Fixture {
  readonly client: grpc.Client;
  readonly socketPath: string;
  readonly slowReads: BlobReadRequest[] = [];
  readonly slowSignals: AbortSignal[] = [];
  readonly logged: string[] = [];
  /** Bytes of the blob that are here. */
  availableEnd = blob.length;
  slow = async function* (request: BlobReadRequest): AsyncIterable<Uint8Array> {
    yield blob.subarray(request.offset, request.offset + (request.size ?? Infinity));
  };
  readonly #serving: AsyncDisposable;

  private constructor(socketPath: string, serving: AsyncDisposable) {
    this.socketPath = socketPath;
    this.#serving = serving;
    this.client = newClient(socketPath);
  }

  static async start(t: TestContext, drainMs = 1000): Promise<Fixture> {
    const folder = testFolder(t, "serve-grpc");
    const path = join(folder, "blob");
    writeFileSync(path, blob);
    const fd = openSync(path, "r");
    const deferred: { fixture?: Fixture } = {};
    const fixtureOf = (): Fixture => {
      assert.ok(deferred.fixture);
      return deferred.fixture;
    };
    const log = (message: string) => void fixtureOf().logged.push(message);
    const logger: Logger = { debug: log, info: log, warn: log, error: log, with: () => logger };
    const socketPath = join(folder, "grpc.sock");
    const serving = await serveGrpc({
      socketPath,
      register: registerEcho,
      readSource: {
        locate(wanted: Digest): LocatedBlob | undefined {
          if (wanted === emptyDigest) return { fd, size: 0, availableEnd: 0 };
          if (wanted !== digest) throw new BlobNotFoundError(wanted);
          const { availableEnd } = fixtureOf();
          return availableEnd < 0 ? undefined : { fd, size: blob.length, availableEnd };
        },
      },
      readSlow(request, { signal }) {
        fixtureOf().slowReads.push(request);
        fixtureOf().slowSignals.push(signal);
        return fixtureOf().slow(request);
      },
      drainMs,
      logger,
    });
    cleanUpOf(t).defer(async () => {
      closeSync(fd);
      assert.deepEqual(await readdir(folder), ["blob"], "nothing is left of the socket");
    });
    const fixture = new Fixture(socketPath, cleanUpOf(t).use(serving));
    deferred.fixture = fixture;
    cleanUpOf(t).defer(() => fixture.client.close());
    return fixture;
  }

  dispose(): Promise<void> {
    return Promise.resolve(this.#serving[Symbol.asyncDispose]());
  }

  read(request: { digest?: string; offset?: number; size?: number }, options?: grpc.CallOptions) {
    return this.client.makeServerStreamRequest(
      readPath,
      (message: typeof request) => Buffer.from(ReadContentRequest.encode(message).finish()),
      (message: Buffer) => ReadContentResponse.decode(message),
      { digest, ...request },
      options ?? {},
    );
  }

  async readAll(request: { digest?: string; offset?: number; size?: number }): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const response of this.read(request)) {
      assert.ok(response instanceof ReadContentResponse);
      parts.push(response.data);
    }
    return Buffer.concat(parts);
  }

  unary(message: Buffer, method = "Unary"): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const same = (bytes: Buffer) => bytes;
      this.client.makeUnaryRequest(
        `/test.Echo/${method}`,
        same,
        same,
        message,
        (error, response) => {
          if (error) reject(error);
          else resolve(response ?? Buffer.alloc(0));
        },
      );
    });
  }

  bidi(): grpc.ClientDuplexStream<Buffer, Buffer> {
    const same = (bytes: Buffer) => bytes;
    return this.client.makeBidiStreamRequest("/test.Echo/Bidi", same, same);
  }
}

function newClient(socketPath: string): grpc.Client {
  return new grpc.Client(`unix://${socketPath}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
  });
}

function registerEcho(server: grpc.Server): void {
  const same = (bytes: Buffer) => bytes;
  const fail = { code: grpc.status.ALREADY_EXISTS, details: "cannot: 100 % ä\n" };
  server.register(
    "/test.Echo/Unary",
    (call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
      callback(null, call.request),
    same,
    same,
    "unary",
  );
  server.register(
    "/test.Echo/Fail",
    (_call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) =>
      callback(fail),
    same,
    same,
    "unary",
  );
  server.register(
    "/test.Echo/Bidi",
    (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (message: Buffer) => {
        if (!call.write(message)) {
          call.pause();
          call.once("drain", () => call.resume());
        }
      });
      call.on("end", () => call.end());
      call.on("error", () => undefined);
    },
    same,
    same,
    "bidi",
  );
}

for (const [what, request, start, end] of [
  ["the first 32 KiB", { size: 32768 }, 0, 32768],
  ["32 KiB in the middle", { offset: 65536, size: 32768 }, 65536, 98304],
  ["a single byte", { offset: 299_999, size: 1 }, 299_999, 300_000],
  ["more than there is", { offset: 299_000, size: 32768 }, 299_000, 300_000],
  ["to the end by size 0", { offset: 290_000 }, 290_000, 300_000],
  ["to the end by a negative size", { offset: 290_000, size: -1 }, 290_000, 300_000],
  ["from 0 by a negative offset", { offset: -5, size: 100 }, 0, 100],
  ["all, which is more than a window holds", {}, 0, 300_000],
  ["nothing at the end", { offset: 300_000, size: 32768 }, 300_000, 300_000],
] as const) {
  test(`Read answers ${what}`, async (t) => {
    const fixture = await Fixture.start(t);
    assert.deepEqual(await fixture.readAll(request), blob.subarray(start, end));
    assert.deepEqual([fixture.slowReads, fixture.logged], [[], []]);
  });
}

test("Read of an empty blob is an empty stream", async (t) => {
  const fixture = await Fixture.start(t);
  assert.equal((await fixture.readAll({ digest: emptyDigest, size: 32768 })).length, 0);
});

for (const [what, code, request] of [
  ["a bad digest", grpc.status.INVALID_ARGUMENT, { digest: "sha256:abc" }],
  ["a digest of no blob", grpc.status.NOT_FOUND, { digest: `sha256:${"0".repeat(64)}` }],
  ["an offset past the end", grpc.status.OUT_OF_RANGE, { offset: 300_001 }],
  ["a digest that is far too long", grpc.status.INVALID_ARGUMENT, { digest: "a".repeat(100_000) }],
] as const) {
  test(`Read refuses ${what}`, async (t) => {
    const fixture = await Fixture.start(t);
    await assert.rejects(fixture.readAll(request), { code });
    assert.deepEqual(await fixture.readAll({ size: 10 }), blob.subarray(0, 10));
  });
}

test("Read takes from the slow source what is not here, from where the gap starts", async (t) => {
  const fixture = await Fixture.start(t);
  fixture.availableEnd = 100_000;
  assert.deepEqual(await fixture.readAll({ offset: 50_000 }), blob.subarray(50_000));
  assert.deepEqual(
    await fixture.readAll({ offset: 90_000, size: 20_000 }),
    blob.subarray(90_000, 110_000),
  );
  fixture.availableEnd = -1;
  assert.deepEqual(await fixture.readAll({ offset: 7, size: 3 }), blob.subarray(7, 10));
  assert.deepEqual(fixture.slowReads, [
    { digest, offset: 100_000, size: undefined },
    { digest, offset: 100_000, size: 10_000 },
    { digest, offset: 7, size: 3 },
  ]);
});

test("Read passes on how the slow source fails, also half-way", async (t) => {
  const fixture = await Fixture.start(t);
  fixture.availableEnd = 1000;
  fixture.slow = async function* () {
    yield Buffer.alloc(200_000);
    throw new UnavailableError("Cannot reach anybody");
  };
  const unavailable = { code: grpc.status.UNAVAILABLE, details: "Cannot reach anybody" };
  await assert.rejects(fixture.readAll({}), unavailable);
  fixture.slow = () => {
    throw new TypeError("a bug");
  };
  const internal = { code: grpc.status.INTERNAL, details: "internal error" };
  await assert.rejects(fixture.readAll({}), internal);
});

test("Read stops the slow source when the client cancels, and logs nothing", async (t) => {
  const fixture = await Fixture.start(t);
  fixture.availableEnd = -1;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  fixture.slow = async function* () {
    yield Buffer.alloc(10);
    await promise;
  };
  const call = fixture.read({}).on("error", () => undefined);
  await once(call, "data");
  call.cancel();
  const [signal] = fixture.slowSignals;
  assert.ok(signal);
  if (!signal.aborted) await once(signal, "abort");
  resolve(undefined);
  assert.deepEqual(await fixture.unary(Buffer.from("on")), Buffer.from("on"));
  assert.deepEqual(fixture.logged, []);
});

test("Read heeds the client's deadline", async (t) => {
  const fixture = await Fixture.start(t);
  const peer = await rawPeer(fixture.socketPath);
  fixture.availableEnd = -1;
  fixture.slow = async function* () {
    await once(fixture.slowSignals[0] ?? new EventTarget(), "abort");
    fixture.slowSignals[0]?.throwIfAborted();
    yield Buffer.alloc(0);
  };
  peer.write(readHeaders(1, [{ name: "grpc-timeout", value: "20m" }]), readBody(1, { digest }));
  const trailers = await peer.next(({ type, flags }) => type === 1 && flags === 5);
  assert.equal(grpcStatus(trailers), grpc.status.DEADLINE_EXCEEDED);
});

test("Reads that nobody takes are not read ahead, and do not hold up others", async (t) => {
  const fixture = await Fixture.start(t);
  const peer = await rawPeer(fixture.socketPath);
  let given = 0;
  fixture.availableEnd = -1;
  fixture.slow = async function* () {
    for (;;) {
      given++;
      yield Buffer.alloc(65536);
    }
  };
  for (let streamId = 1; streamId < 40; streamId += 2) {
    peer.write(readHeaders(streamId), readBody(streamId, { digest }));
  }
  await peer.sync();
  await turn();
  await peer.sync();
  // The window of the connection lets 64 KiB out; who gets none of it takes one chunk.
  assert.ok(given <= 22, `${given} chunks`);
  peer.write(frame(6, { payload: Buffer.alloc(8) }));
  assert.ok(await peer.next(({ type, flags }) => type === 6 && flags === 1));
});

test("Reads and other calls share one connection", async (t) => {
  const fixture = await Fixture.start(t);
  const reads = Array.from({ length: 200 }, (_, nth) =>
    fixture.readAll({ offset: nth * 1000, size: 32768 }),
  );
  const echoes = Array.from({ length: 200 }, (_, nth) => fixture.unary(Buffer.alloc(nth, nth)));
  for (const [nth, read] of reads.entries()) {
    assert.deepEqual(await read, blob.subarray(nth * 1000, nth * 1000 + 32768));
  }
  for (const [nth, echo] of echoes.entries()) assert.deepEqual(await echo, Buffer.alloc(nth, nth));
});

test("serveGrpc() passes messages of 16 MiB both ways", async (t) => {
  const fixture = await Fixture.start(t);
  const message = Buffer.alloc(bigMessageLength, "large");
  assert.ok(message.equals(await fixture.unary(message)));
  const call = fixture.bidi();
  call.write(message);
  call.write(message);
  call.end();
  let received = 0;
  for await (const answer of call as AsyncIterable<Buffer>) {
    assert.ok(message.equals(answer));
    received++;
  }
  assert.equal(received, 2);
});

test("serveGrpc() passes many streams of data at once, both ways", async (t) => {
  const fixture = await Fixture.start(t);
  const random = new SeededRandom(11);
  const echoes = Array.from({ length: 20 }, async () => {
    const sent = Array.from({ length: 30 }, () => random.bytes(random.below(50_000)));
    const call = fixture.bidi();
    for (const message of sent) call.write(message);
    call.end();
    const received: Buffer[] = [];
    for await (const message of call as AsyncIterable<Buffer>) received.push(message);
    assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
  });
  await Promise.all(echoes);
});

test("serveGrpc() passes errors on, with their text, and unknown methods", async (t) => {
  const fixture = await Fixture.start(t);
  await assert.rejects(fixture.unary(Buffer.alloc(3), "Fail"), {
    code: grpc.status.ALREADY_EXISTS,
    details: "cannot: 100 % ä\n",
  });
  await assert.rejects(fixture.unary(Buffer.alloc(3), "None"), { code: grpc.status.UNIMPLEMENTED });
});

test("serveGrpc() passes cancellation on", async (t) => {
  const fixture = await Fixture.start(t);
  const call = fixture.bidi().on("error", () => undefined);
  call.write(Buffer.from("a"));
  await once(call, "data");
  call.cancel();
  await once(call, "close").catch(() => undefined);
  assert.deepEqual(await fixture.unary(Buffer.from("on")), Buffer.from("on"));
});

test("serveGrpc() serves many connections, and those that come and go", async (t) => {
  const fixture = await Fixture.start(t);
  for (let round = 0; round < 5; round++) {
    const clients = Array.from({ length: 20 }, () => newClient(fixture.socketPath));
    const same = (bytes: Buffer) => bytes;
    const answers = clients.map(
      (client) =>
        new Promise((resolve, reject) => {
          const message = Buffer.from("hello");
          client.makeUnaryRequest("/test.Echo/Unary", same, same, message, (error, answer) =>
            error ? reject(error) : resolve(answer),
          );
        }),
    );
    for (const answer of answers) assert.deepEqual(await answer, Buffer.from("hello"));
    for (const client of clients) client.close();
  }
});

test("serveGrpc() forgives the path of a socket as authority, as grpc-go sends it", async (t) => {
  const fixture = await Fixture.start(t);
  const peer = await rawPeer(fixture.socketPath);
  const more = [
    { name: ":authority", value: fixture.socketPath },
    { name: "content-type", value: "application/grpc" },
    { name: "te", value: "trailers" },
  ];
  const message = Buffer.concat([Buffer.of(0), uint32(2), Buffer.from("hi")]);
  peer.write(
    requestFrame(1, { path: "/test.Echo/Unary", more }),
    frame(0, { flags: 1, streamId: 1, payload: message }),
  );
  const answer = await peer.next(({ type }) => type === 0);
  assert.deepEqual(answer?.payload.subarray(0, 7), message);
});

test("serveGrpc() answers a Read byte by byte, and one that is none", async (t) => {
  const fixture = await Fixture.start(t);
  const peer = await rawPeer(fixture.socketPath);
  const bytes = Buffer.concat([readHeaders(1), readBody(1, { digest, size: 5 })]);
  for (const byte of bytes) {
    peer.write(Buffer.of(byte));
    await turn();
  }
  const data = await peer.next(({ type }) => type === 0);
  assert.deepEqual(data?.payload.subarray(-5), blob.subarray(0, 5));
  for (const [nth, body] of [
    Buffer.alloc(0),
    Buffer.of(0, 0, 0, 0, 9),
    Buffer.of(1, 0, 0, 0, 0),
    Buffer.alloc(10),
  ].entries()) {
    const streamId = 3 + 2 * nth;
    peer.write(readHeaders(streamId), frame(0, { flags: 1, streamId, payload: body }));
    const trailers = await peer.next((found) => found.type === 1 && found.streamId === streamId);
    assert.equal(grpcStatus(trailers), grpc.status.INVALID_ARGUMENT);
  }
});

test("serveGrpc() lets calls end that are under way when it is disposed of", async (t) => {
  const fixture = await Fixture.start(t);
  const call = fixture.bidi();
  call.write(Buffer.from("first"));
  assert.deepEqual(await once(call, "data"), [Buffer.from("first")]);
  const disposed = fixture.dispose();
  await turn();
  call.write(Buffer.from("second"));
  assert.deepEqual(await once(call, "data"), [Buffer.from("second")]);
  call.end();
  await once(call, "status");
  await disposed;
  assert.equal(existsSync(fixture.socketPath), false);
});

test("serveGrpc() cuts calls that do not end, when it is disposed of", async (t) => {
  const fixture = await Fixture.start(t, 20);
  const call = fixture.bidi();
  call.write(Buffer.from("first"));
  await once(call, "data");
  const failed = once(call, "error");
  await fixture.dispose();
  await failed;
});

test("serveGrpc() makes a socket of its owner's, in place of a stale one", async (t) => {
  const fixture = await Fixture.start(t);
  assert.equal(statSync(fixture.socketPath).mode & 0o777, 0o600);
  const deps = {
    register: registerEcho,
    readSource: { locate: () => undefined },
    readSlow: (request: BlobReadRequest) => fixture.slow(request),
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore } as unknown as Logger,
  };
  await assert.rejects(serveGrpc({ ...deps, socketPath: fixture.socketPath }), {
    ...{ code: "unavailable", message: /another process/ },
  });
  const folder = testFolder(t, "serve-grpc");
  const socketPath = join(folder, "new", "grpc.sock");
  const first = await serveGrpc({ ...deps, socketPath });
  await first[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(join(folder, "new")), []);
  await writeFile(socketPath, "precious");
  await assert.rejects(serveGrpc({ ...deps, socketPath }), {
    ...{ code: "failed_precondition", message: /not a socket/ },
  });
});

function ignore(): void {
  // These tests look at what is answered, not at what is logged.
}

async function rawPeer(socketPath: string): Promise<RawPeer> {
  const socket: Socket = connect(socketPath);
  await once(socket, "connect");
  const peer = new RawPeer(socket);
  peer.start(setting(4, 65535));
  return peer;
}

function grpcStatus(trailers: RawFrame | undefined): number {
  const text = trailers?.payload.toString("latin1") ?? "";
  // Between a name and its value stands the value's length, which is 1 here.
  return Number(text.charAt(text.indexOf("grpc-status") + "grpc-status".length + 1));
}

function readHeaders(
  streamId: number,
  more: readonly { readonly name: string; readonly value: string }[] = [],
): Buffer {
  const contentType = { name: "content-type", value: "application/grpc" };
  return requestFrame(streamId, { path: readPath, more: [contentType, ...more] });
}

function readBody(
  streamId: number,
  request: { readonly digest: string; readonly size?: number },
): Buffer {
  const message = Buffer.from(ReadContentRequest.encode(request).finish());
  const payload = Buffer.concat([Buffer.of(0), uint32(message.length), message]);
  return frame(0, { flags: 1, streamId, payload });
}
