import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import * as grpc from "@grpc/grpc-js";

import { BlobExistsError } from "../../core/errors.ts";
import { digestOf } from "../../core/digest.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { frame, RawPeer, requestFrame, uint32 } from "../http2/raw-peer.test-support.ts";
import { DirectBidiCall } from "./direct-bidi-call.ts";
import type { BidiHandler } from "./handler.ts";
import { serveGrpc } from "./serve-grpc.ts";

const path = "/test.Direct/Bidi";
const messageBytesMax = 16 * 1024 * 1024;
const same = (bytes: Buffer) => bytes;

interface Fixture {
  readonly socketPath: string;
  readonly call: (options?: grpc.CallOptions) => grpc.ClientDuplexStream<Buffer, Buffer>;
}

async function start(t: TestContext, handler: BidiHandler<Buffer, Buffer>): Promise<Fixture> {
  const folder = testFolder(t, "direct-bidi");
  const socketPath = join(folder, "grpc.sock");
  const ignore = () => undefined;
  const logger: Logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: ignore,
    with: () => logger,
  };
  const method = { name: "Bidi", handler, decode: same, encode: same, messageBytesMax, logger };
  const serving = await serveGrpc({
    socketPath,
    register: ignore,
    direct: new Map([
      [path, (stream, { timeoutMs }) => new DirectBidiCall(stream, { method, timeoutMs })],
    ]),
    readSource: { locate: ignore },
    readSlow: () => assert.fail("no Read is sent"),
    drainMs: 100,
    logger,
  });
  const client = new grpc.Client(`unix://${socketPath}`, grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.use_local_subchannel_pool": 1,
  });
  cleanUpOf(t).use(serving);
  cleanUpOf(t).defer(() => client.close());
  return {
    socketPath,
    call: (options) => client.makeBidiStreamRequest(path, same, same, options ?? {}),
  };
}

const echo: BidiHandler<Buffer, Buffer> = async function* (requests) {
  for await (const request of requests) yield Buffer.from(request);
};

test("DirectBidiCall answers each request before the next, to the end", async (t) => {
  const { call } = await start(t, echo);
  const stream = call();
  for (let nth = 0; nth < 20; nth++) {
    const message = Buffer.alloc(nth * 10_000, nth);
    stream.write(message);
    assert.deepEqual(await once(stream, "data"), [message]);
  }
  stream.end();
  const status = await statusOf(stream);
  assert.equal(status.code, grpc.status.OK);
});

test("DirectBidiCall takes requests that are sent at once, and of 16 MiB", async (t) => {
  const { call } = await start(t, echo);
  const sent = [1, 0, messageBytesMax, 5, 100_000, messageBytesMax].map((length, nth) =>
    Buffer.alloc(length, nth + 1),
  );
  const stream = call();
  for (const message of sent) stream.write(message);
  stream.end();
  const received: Buffer[] = [];
  for await (const message of stream as AsyncIterable<Buffer>) received.push(message);
  assert.ok(Buffer.concat(received).equals(Buffer.concat(sent)));
  assert.equal(received.length, sent.length);
});

test("DirectBidiCall refuses a request that is too long", async (t) => {
  const { call } = await start(t, echo);
  const stream = call();
  stream.on("error", () => undefined).resume();
  stream.write(Buffer.alloc(messageBytesMax + 1));
  const status = await statusOf(stream);
  assert.equal(status.code, grpc.status.INVALID_ARGUMENT);
});

test("DirectBidiCall ends with the status of what the handler throws", async (t) => {
  const digest = digestOf(Buffer.alloc(0));
  const { call } = await start(t, async function* (requests) {
    for await (const request of requests) {
      if (request.length > 1) throw new BlobExistsError(digest);
      yield Buffer.from("fine");
    }
  });
  const stream = call();
  stream.on("error", () => undefined);
  stream.write(Buffer.of(1));
  await once(stream, "data");
  stream.write(Buffer.of(1, 2));
  const status = await statusOf(stream);
  assert.equal(status.code, grpc.status.ALREADY_EXISTS);
  assert.match(status.details, /it exists/);
});

test("DirectBidiCall ends when the handler does, though the client has not", async (t) => {
  const { call } = await start(t, async function* (requests) {
    for await (const request of requests) {
      yield Buffer.from(request);
      return;
    }
  });
  const stream = call();
  stream.resume();
  stream.write(Buffer.of(1));
  const status = await statusOf(stream);
  assert.equal(status.code, grpc.status.OK);
});

test("DirectBidiCall tells the handler that the client went away, and lets it clean up", async (t) => {
  const cleaned = Promise.withResolvers<string>();
  const { call } = await start(t, async function* (requests, { signal }) {
    try {
      for await (const request of requests) yield Buffer.from(request);
      cleaned.resolve("ended");
    } catch (error) {
      cleaned.resolve(error instanceof Error && signal.aborted ? error.name : "?");
      throw error;
    }
  });
  const stream = call();
  stream.on("error", () => undefined);
  stream.write(Buffer.of(1));
  await once(stream, "data");
  stream.cancel();
  assert.equal(await cleaned.promise, "AbortError");
});

test("DirectBidiCall heeds the client's deadline while it waits for a request", async (t) => {
  const { socketPath } = await start(t, async function* (requests) {
    for await (const request of requests) yield Buffer.from(request);
  });
  const peer = await rawPeer(socketPath);
  peer.write(openFrame([{ name: "grpc-timeout", value: "20m" }]));
  const trailers = await peer.next(({ type, flags }) => type === 1 && flags === 5);
  assert.match(trailers?.payload.toString("latin1") ?? "", /grpc-status.4/s);
});

test("DirectBidiCall refuses a request that is cut short by the end of the stream", async (t) => {
  const { socketPath } = await start(t, echo);
  const peer = await rawPeer(socketPath);
  peer.write(
    openFrame([]),
    frame(0, { flags: 1, streamId: 1, payload: Buffer.of(0, 0, 0, 0, 9, 1) }),
  );
  const trailers = await peer.next(({ type, flags }) => type === 1 && flags === 5);
  assert.match(trailers?.payload.toString("latin1") ?? "", /grpc-status.3/s);
});

test("DirectBidiCall asks for no more than a window when the handler is slow", async (t) => {
  const gate = Promise.withResolvers<undefined>();
  const { socketPath } = await start(t, async function* (requests) {
    for await (const request of requests) {
      await gate.promise;
      yield Buffer.of(request.length % 256);
    }
  });
  const peer = await rawPeer(socketPath);
  const message = Buffer.concat([Buffer.of(0), uint32(8000), Buffer.alloc(8000)]);
  peer.write(openFrame([]));
  for (let sent = 0; sent + message.length <= 1024 * 1024; sent += message.length) {
    peer.write(frame(0, { streamId: 1, payload: message }));
  }
  await peer.sync();
  let isAskedForMore = false;
  const update = peer.next(({ type, streamId }) => type === 8 && streamId === 1);
  void update.then(() => (isAskedForMore = true));
  await peer.sync();
  assert.equal(isAskedForMore, false);
  gate.resolve(undefined);
  assert.ok(await update);
});

/** Not by `once()`, which rejects when the error comes that goes with a status. */
function statusOf(stream: grpc.ClientDuplexStream<Buffer, Buffer>): Promise<grpc.StatusObject> {
  return new Promise((resolve) => stream.on("status", resolve));
}

async function rawPeer(socketPath: string): Promise<RawPeer> {
  const socket = connect(socketPath);
  await once(socket, "connect");
  const peer = new RawPeer(socket);
  peer.start();
  return peer;
}

function openFrame(more: readonly { readonly name: string; readonly value: string }[]): Buffer {
  return requestFrame(1, {
    path,
    more: [{ name: "content-type", value: "application/grpc" }, ...more],
  });
}
