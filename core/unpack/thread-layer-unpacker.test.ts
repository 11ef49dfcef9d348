import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, after, describe, test } from "node:test";
import type { Worker } from "node:worker_threads";

import { digestFromHash, digestOf } from "../digest.ts";
import { DigestMismatchError, LayerFormatError, UnavailableError } from "../errors.ts";
import type { UnpackOrder, UnpackProgress } from "../ports/layer-unpacker.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { type LayerFixture, layerFixture, layerFixtureOf } from "../testing/layer-fixture.ts";
import { defaultLayerLimits } from "./layer-limits.ts";
import { UnpackBench, namesIn, sizesIn } from "./unpack-bench.test-support.ts";

/** For tests that neither close it nor count its threads. */
const bench = await UnpackBench.create();
after(() => bench[Symbol.asyncDispose]());

const compressions = ["gzip", "zstd", "none"] as const;

/** Longer than what is read at once, so that there are cuts in it. */
const content = blobFixture(700_001).bytes;

/** A layer of one file. */
function layerOf(name: string, compression: (typeof compressions)[number] = "gzip"): LayerFixture {
  return layerFixture([{ name, content }], compression);
}

/** A layer of which a part is much, for tests that act in the middle. */
function zerosLayer(): LayerFixture {
  return layerFixture([
    { name: "zeros", content: Buffer.alloc(6 * 1024 * 1024) },
    { name: "end", content },
  ]);
}

async function nextThread(t: TestContext): Promise<Worker> {
  const [thread] = (await once(process, "worker", { signal: t.signal })) as [Worker];
  return thread;
}

/** The first progress that is told of an order, and the order that tells it. */
function watched<T extends UnpackOrder>(order: T): { order: T; progress: Promise<UnpackProgress> } {
  const { promise, resolve } = Promise.withResolvers<UnpackProgress>();
  return { order: { ...order, onProgress: resolve }, progress: promise };
}

/** What this process has open of a folder. */
async function openBelow(folder: string): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd");
  const paths = descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return (await Promise.all(paths)).filter((path) => `${path}/`.startsWith(`${folder}/`));
}

for (const compression of compressions) {
  describe(`ThreadLayerUnpacker, ${compression}`, () => {
    test("unpacks a layer that is there", async (t) => {
      const order = await bench.order(layerOf("file", compression));
      order.file.fill();
      const { usage, impliedDirectories } = await bench.unpacker.unpack(order, t);
      assert.deepEqual(await readFile(join(order.into, "file")), content);
      assert.deepEqual(impliedDirectories, []);
      assert.ok(usage.size >= content.length);
      assert.equal(usage.inodes, 2);
    });

    test("unpacks a layer that arrives, however its bytes come", async (t) => {
      const order = await bench.order(layerOf("file", compression));
      const unpacked = bench.unpacker.unpack(order, t);
      const { size } = order.file;
      for (const end of [1, 2, 9, 511, 4096, size / 2, size / 2 + 1, size - 1, size]) {
        order.file.fill(Math.floor(end));
        // A turn of the event loop, so that each is heard by itself.
        await new Promise(setImmediate);
      }
      await unpacked;
      assert.deepEqual(await readFile(join(order.into, "file")), content);
    });

    test("refuses a layer with another diffID", async (t) => {
      const diffId = digestOf(Buffer.from("other"));
      const order = { ...(await bench.order(layerOf("file", compression))), diffId };
      order.file.fill();
      await assert.rejects(bench.unpacker.unpack(order, t), DigestMismatchError);
    });

    test("refuses a layer that is cut off", async (t) => {
      const { bytes, tar, mediaType } = layerOf("file", compression);
      const cut = bytes.subarray(0, Math.floor(bytes.length / 2));
      const order = await bench.order(layerFixtureOf(cut, { tar, mediaType }));
      order.file.fill();
      await assert.rejects(bench.unpacker.unpack(order, t), LayerFormatError);
    });
  });
}

test("an empty blob is an empty layer", async (t) => {
  const order = await bench.order(layerFixture(Buffer.alloc(0), "none"));
  await bench.unpacker.unpack(order, t);
  assert.deepEqual(await namesIn(order), []);
});

test("the diffID counts what comes behind the end of the tar stream", async (t) => {
  const layer = layerFixture(Buffer.concat([layerOf("file").tar, Buffer.alloc(50_000, "x")]));
  const order = await bench.order(layer);
  order.file.fill();
  await bench.unpacker.unpack(order, t);
  assert.deepEqual(await namesIn(order), ["file"]);
});

test("a diffID may be a sha512", async (t) => {
  const layer = layerOf("file");
  const order = {
    ...(await bench.order(layer)),
    diffId: digestFromHash(createHash("sha512").update(layer.tar), "sha512"),
  };
  order.file.fill();
  await bench.unpacker.unpack(order, t);
});

test("bytes that are no layer are refused", async (t) => {
  for (const bytes of [content, Buffer.concat([Buffer.from("1f8b08", "hex"), content])]) {
    const order = await bench.order(layerFixtureOf(bytes, { tar: bytes, mediaType: "x/y" }));
    order.file.fill();
    await assert.rejects(bench.unpacker.unpack(order, t), LayerFormatError);
  }
});

test("a layer whose checksum is cut off is refused, though its tar stream is whole", async (t) => {
  const { bytes, tar, mediaType } = layerOf("file");
  const order = await bench.order(layerFixtureOf(bytes.subarray(0, -1), { tar, mediaType }));
  order.file.fill();
  await assert.rejects(bench.unpacker.unpack(order, t), LayerFormatError);
});

test("a layer of more bytes than are allowed is refused, whatever they are", async (t) => {
  const limits = { ...defaultLayerLimits, tarSizeMax: 5 * 1024 * 1024 };
  const bench = await UnpackBench.open(t, { limits });
  const padding = Buffer.alloc(limits.tarSizeMax);
  for (const layer of [zerosLayer(), layerFixture(Buffer.concat([layerOf("file").tar, padding]))]) {
    const order = await bench.order(layer);
    order.file.fill();
    await assert.rejects(bench.unpacker.unpack(order, t), LayerFormatError);
  }
});

test("a file that is shorter than promised is lost data", async (t) => {
  const order = await bench.order(layerOf("file"));
  const file = { fd: order.file.fd, size: order.file.size, availableEnd: async () => file.size };
  await assert.rejects(bench.unpacker.unpack({ ...order, file }, t), { code: "data_loss" });
});

test("a layer whose bytes cannot be had fails with that, and its thread goes on", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const order = await bench.order(layerOf("file"));
  order.file.fill(1000);
  const unpacked = bench.unpacker.unpack(order, t);
  order.file.fail(new UnavailableError("nobody has it"));
  await assert.rejects(unpacked, { message: "nobody has it" });
  const next = await bench.order(layerOf("file"));
  next.file.fill();
  await bench.unpacker.unpack(next, t);
});

test("progress is told while bytes arrive", async (t) => {
  const { order, progress } = watched(await bench.order(zerosLayer()));
  const unpacked = bench.unpacker.unpack(order, t);
  const half = order.file.size - 100_000;
  order.file.fill(half);
  const { bytesRead, bytesWritten, entries } = await progress;
  assert.ok(bytesRead > 0 && bytesRead <= half);
  assert.ok(bytesWritten > 3_000_000 && bytesWritten <= 6 * 1024 * 1024);
  assert.equal(entries, 1);
  order.file.fill();
  await unpacked;
});

test("layers that wait for bytes do not keep others from their thread", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const orders = await Promise.all(["a", "b", "c"].map((name) => bench.order(layerOf(name))));
  const ended: string[] = [];
  const unpacked = orders.map(async (order, index) => {
    order.file.fill(1000 * (index + 1));
    await bench.unpacker.unpack(order, t);
    ended.push(String(await namesIn(order)));
  });
  for (const index of [2, 0, 1]) {
    orders[index]?.file.fill();
    await unpacked[index];
  }
  assert.deepEqual(ended, ["c", "a", "b"]);
});

test("forty layers unpack in two threads", async (t) => {
  const threads: Worker[] = [];
  const onThread = (thread: Worker) => threads.push(thread);
  process.on("worker", onThread);
  cleanUpOf(t).defer(() => process.off("worker", onThread));
  const own = await UnpackBench.open(t);
  const names = Array.from({ length: 40 }, (_, index) => `file-${index}`);
  const orders = await Promise.all(names.map((name) => own.order(layerOf(name))));
  const unpacked = orders.map((order) => own.unpacker.unpack(order, t));
  for (const { file } of orders.toReversed()) file.fill();
  await Promise.all(unpacked);
  assert.deepEqual(
    await Promise.all(orders.map(namesIn)),
    names.map((name) => [name]),
  );
  assert.equal(threads.length, 2);
});

test("layers that are not wanted any more are let go of, wherever they are", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const reason = new Error("not wanted");
  const cancelled = new AbortController();
  const { order, progress } = watched(await bench.order(zerosLayer()));
  const unpacked = bench.unpacker.unpack(order, cancelled);
  const queued = bench.unpacker.unpack(await bench.order(layerOf("file")), cancelled);
  const outcomes = Promise.allSettled([unpacked, queued]);
  order.file.fill(order.file.size - 1);
  await progress;
  cancelled.abort(reason);
  for (const outcome of await outcomes) assert.deepEqual(outcome, { status: "rejected", reason });
  await assert.rejects(bench.unpacker.unpack(order, cancelled), reason);

  // What is there once it has settled is all that there will be, also with all bytes there.
  const written = await sizesIn(order);
  order.file.fill();
  const next = await bench.order(layerOf("file"));
  next.file.fill();
  await bench.unpacker.unpack(next, t);
  assert.deepEqual(await sizesIn(order), written);
  // Its thread was not cut for it.
  assert.deepEqual(bench.logger.lines, []);
});

test("layers of a thread that dies fail, and the next layer has a new thread", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const { order, progress } = watched(await bench.order(zerosLayer()));
  const [thread, unpacked] = [nextThread(t), bench.unpacker.unpack(order, t)];
  const queued = await bench.order(layerOf("file"));
  order.file.fill(order.file.size - 1);
  await progress;
  assert.notDeepEqual(await openBelow(order.into), []);
  await Promise.all([(await thread).terminate(), assert.rejects(unpacked, UnavailableError)]);
  assert.deepEqual(await openBelow(order.into), [], "what it had open is closed");
  assert.deepEqual(
    bench.logger.lines.map(({ level, message }) => [level, message]),
    [["error", "unpacking thread has died"]],
  );
  queued.file.fill();
  await bench.unpacker.unpack(queued, t);
});

test("a thread without work ends, and is there again when there is some", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const [thread, order] = [nextThread(t), await bench.order(layerOf("file"))];
  order.file.fill();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await bench.unpacker.unpack(order, t);
  const exited = once(await thread, "exit");
  t.mock.timers.tick(60_000);
  await exited;
  const next = await bench.order(layerOf("file"));
  next.file.fill();
  await bench.unpacker.unpack(next, t);
  assert.deepEqual(bench.logger.lines, []);
});

test("whiteouts of the lowest layer leave no mark", async (t) => {
  const layer = layerFixture([{ name: ".wh.gone" }, { name: "here" }]);
  for (const [isLowest, names] of [
    [true, ["here"]],
    [false, ["gone", "here"]],
  ] as const) {
    const order = { ...(await bench.order(layer)), isLowest };
    order.file.fill();
    await bench.unpacker.unpack(order, t);
    assert.deepEqual(await namesIn(order), names);
  }
});

test("directories that no entry describes are told, and inherit from the layers below", async (t) => {
  const self = process.getuid?.() ?? 0;
  // root may give it to another, which shows more.
  const owner = self === 0 ? 7 : self;
  const lower = await bench.order(layerFixture([{ name: "a/", mode: 0o711, uid: owner }]));
  const upper = await bench.order(layerFixture([{ name: "a/b/file" }]));
  lower.file.fill();
  upper.file.fill();
  await bench.unpacker.unpack(lower, t);
  const layer = await bench.unpacker.unpack(upper, t);
  assert.deepEqual(layer.impliedDirectories, ["a", "a/b"]);
  await bench.unpacker.inherit({ ...layer, path: upper.into }, [lower.into]);
  const { mode, uid } = await stat(join(upper.into, "a"));
  assert.deepEqual([mode & 0o777, uid], [0o711, owner]);
});

test("inheriting from a layer that is not there fails, and the thread goes on", async (t) => {
  const order = await bench.order(layerFixture([{ name: "a/file" }]));
  order.file.fill();
  const layer = { ...(await bench.unpacker.unpack(order, t)), path: order.into };
  await assert.rejects(bench.unpacker.inherit(layer, [join(order.into, "none")]));
  await bench.unpacker.inherit(layer, []);
});

test("layers fail when the unpacker is closed, and none is taken any more", async (t) => {
  const bench = await UnpackBench.open(t, { threadsMax: 1 });
  const order = await bench.order(layerOf("file"));
  order.file.fill(1000);
  const unpacked = assert.rejects(bench.unpacker.unpack(order, t), UnavailableError);
  await Promise.all([bench.unpacker[Symbol.asyncDispose](), unpacked]);
  await assert.rejects(bench.unpacker.unpack(order, t), UnavailableError);
  await bench.unpacker[Symbol.asyncDispose]();
});
