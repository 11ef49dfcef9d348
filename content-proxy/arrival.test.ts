import assert from "node:assert/strict";
import { test } from "node:test";

import {
  BlobNotFoundError,
  DigestMismatchError,
  MetainfoError,
  UnavailableError,
} from "../core/errors.ts";
import { createMetainfo } from "../core/metainfo.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import {
  benchOf,
  bytes,
  collect,
  digest,
  lastResortOf,
  metainfo,
  metainfoWith,
  nextDownload,
} from "./arrival-bench.test-support.ts";
import { BlobLookup } from "./blob-lookup.ts";
import { readArriving } from "./read-arriving.ts";

test("an arrival is not reliable when nobody knows the blob", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  assert.equal(await bench.start().reliable({ streamed: true, signal: t.signal }), false);
});

test("a streamed arrival is reliable once a good source is connected, others when whole", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start();
  const streamed = arrival.reliable({ streamed: true, signal: t.signal });
  const whole = arrival.reliable({ streamed: false, signal: t.signal });
  const download = await started;
  download.sources(true);
  assert.equal(await streamed, true);
  assert.deepEqual(bench.arrived, []);
  download.finish();
  assert.equal(await whole, true);
  assert.deepEqual(bench.arrived, [digest]);
  assert.equal(download.disposed, true);
});

test("an arrival without a promise ends with its first failure", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start();
  (await started).fail(new UnavailableError("gone"));
  assert.equal(await arrival.reliable({ streamed: true, signal: t.signal }), false);
  await assert.rejects(arrival.ready({ start: 0, end: 1 }, { signal: t.signal }), UnavailableError);
});

test("a promised arrival tries again, by other metainfo if the first one lied", async (t) => {
  const bench = await benchOf(t);
  const liar = metainfoWith("liar");
  bench.answers.unshift({ metainfo: liar, peers: [], webSeeds: [] });
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ promised: true });
  const lying = await first;
  assert.equal(lying.wanted.torrent.infoHash, liar.infoHash);
  const second = nextDownload(bench.swarm);
  lying.fail(new DigestMismatchError(digest, digest));
  const download = await second;
  assert.equal(download.wanted.torrent.infoHash, metainfo.infoHash);
  assert.deepEqual(bench.refused.at(-1), new Set([liar.infoHash]));
  const reports = bench.logger.lines.filter(({ message }) => message === "refused metainfo");
  assert.deepEqual(reports, [
    { level: "warn", message: "refused metainfo", fields: { digest, infoHash: liar.infoHash } },
  ]);
  download.finish();
  await arrival.settled();
  assert.deepEqual(bench.arrived, [digest]);
});

test("a promised arrival uses the metainfo that was kept when the directory is gone", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const started = nextDownload(bench.swarm);
  bench.start({ promised: true });
  assert.equal((await started).wanted.torrent.infoHash, metainfo.infoHash);
});

test("metainfo of another size is refused before anything is fetched, and reported", async (t) => {
  const bench = await benchOf(t);
  const longer = createMetainfo({
    digest,
    size: bytes.length + 1,
    pieceHashes: metainfo.pieceHashes,
  });
  bench.answers.unshift({ metainfo: longer, peers: [], webSeeds: [] });
  const started = nextDownload(bench.swarm);
  bench.start();
  assert.equal((await started).wanted.torrent.infoHash, metainfo.infoHash);
  const [report] = bench.logger.lines.filter(({ level }) => level === "warn");
  assert.equal(report?.message, "passed over metainfo of another blob");
  const { fields } = report;
  assert.deepEqual([fields["digest"], fields["infoHash"]], [digest, longer.infoHash]);
});

test("readArriving() gives bytes as they come, over a failed try", async (t) => {
  const bench = await benchOf(t);
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ promised: true });
  const read = collect(
    readArriving(
      arrival,
      { start: 10, end: bytes.length },
      { signal: t.signal, readTimeoutMs: 60_000 },
    ),
  );
  const failing = await first;
  failing.advance(150_000);
  const second = nextDownload(bench.swarm);
  failing.fail(new UnavailableError("gone"));
  const download = await second;
  assert.equal(arrival.bytesDone, 150_000);
  download.advance(bytes.length);
  assert.deepEqual(await read, bytes.subarray(10));
});

test("readArriving() gives up when the bytes do not come, and when it is cancelled", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ promised: true });
  await started;
  const range = { start: 0, end: 10 };
  const late = collect(readArriving(arrival, range, { signal: t.signal, readTimeoutMs: 1 }));
  await assert.rejects(late, UnavailableError);
  const controller = new AbortController();
  const { signal } = controller;
  const cancelled = collect(readArriving(arrival, range, { signal, readTimeoutMs: 60_000 }));
  controller.abort(new Error("enough"));
  await assert.rejects(cancelled, /enough/);
});

test("who waits for a blob does not wait until its download has said goodbye", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start();
  const download = await started;
  const gate = Promise.withResolvers<undefined>();
  download[Symbol.asyncDispose] = () => gate.promise;
  const whole = arrival.reliable({ streamed: false, signal: t.signal });
  const ready = arrival.ready({ start: 0, end: bytes.length }, { signal: t.signal });
  download.finish();
  assert.equal(await whole, true);
  await ready;
  gate.resolve(undefined);
  await arrival.settled();
});

test("a blob that came another way meanwhile is whole, promised or not", async (t) => {
  for (const promised of [false, true]) {
    const bench = await benchOf(t);
    const started = nextDownload(bench.swarm);
    const arrival = bench.start({ promised });
    const download = await started;
    bench.record = { digest, size: bytes.length, whole: true } as BlobRecord;
    download.fail(new UnavailableError("gone"));
    assert.equal(await arrival.reliable({ streamed: false, signal: t.signal }), true);
    await arrival.settled();
  }
});

test("kept metainfo that turned out wrong is not used again", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ promised: true });
  const lying = await first;
  lying.fail(new DigestMismatchError(digest, digest));
  const honest = metainfoWith("honest");
  const second = nextDownload(bench.swarm);
  bench.answers[0] = { metainfo: honest, peers: [], webSeeds: [] };
  assert.equal((await second).wanted.torrent.infoHash, honest.infoHash);
  await arrival[Symbol.asyncDispose]();
});

test("metainfo of another size is not held against the blob", async (t) => {
  const logger = new MemoryLogger();
  const asked: ReadonlySet<string>[] = [];
  const lookup = new BlobLookup({
    logger,
    directory: {
      publish: () => undefined,
      lookup: async (_digest, { refused = new Set() }) => {
        asked.push(new Set(refused));
        return refused.has(metainfo.infoHash) ? undefined : { metainfo, peers: [], webSeeds: [] };
      },
    },
  });
  const signal = t.signal;
  assert.equal(await lookup.find(digest, { size: 7, signal }), undefined);
  const found = await lookup.find(digest, { size: bytes.length, signal });
  assert.equal(found?.metainfo.infoHash, metainfo.infoHash);
  assert.deepEqual(asked.at(-1), new Set());
});

test("a read that is under way keeps the file open, and one that comes late is told", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start();
  const download = await started;
  download.advance(bytes.length);
  const chunk = Buffer.alloc(1000);
  const reading = arrival.read(chunk, 10);
  download.finish();
  assert.equal(await reading, 1000);
  assert.deepEqual(chunk, bytes.subarray(10, 1010));
  await arrival.settled();
  assert.equal(await arrival.read(chunk, 10), undefined);
});

test("a layer that no seeder vouches for is reliable only when it is whole", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ trustPeers: false });
  const reliable = arrival.reliable({ streamed: true, signal: t.signal });
  const download = await started;
  download.sources(true);
  download.fail(new DigestMismatchError(digest, digest));
  assert.equal(await reliable, false);
});

test("a layer that a seeder vouches for is reliable while it arrives", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = { metainfo, peers: [], webSeeds: ["http://seeder/blob"] };
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ trustPeers: false });
  const reliable = arrival.reliable({ streamed: true, signal: t.signal });
  (await started).sources(true);
  assert.equal(await reliable, true);
});

test("a download may turn to the origin once the blob is promised", async (t) => {
  const bench = await benchOf(t);
  const { asked, lastResort } = lastResortOf(metainfo);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ lastResort });
  const { origin } = (await started).wanted;
  assert.ok(origin);
  const read = () => collect(origin({ start: 7, signal: t.signal }));
  await assert.rejects(read(), BlobNotFoundError);
  assert.deepEqual(asked, []);
  arrival.promise();
  assert.deepEqual(await read(), bytes.subarray(7));
  assert.deepEqual(asked, ["read 7"]);
});

test("without a last resort a download finds nothing at the origin", async (t) => {
  const bench = await benchOf(t);
  const started = nextDownload(bench.swarm);
  bench.start({ promised: true });
  const { origin } = (await started).wanted;
  assert.ok(origin);
  await assert.rejects(collect(origin({ start: 0, signal: t.signal })), BlobNotFoundError);
});

test("a promised blob whose metainfo was wrong is described by its origin, once", async (t) => {
  const bench = await benchOf(t);
  const honest = metainfoWith("honest");
  const { asked, lastResort } = lastResortOf(honest);
  bench.answers[0] = undefined;
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ promised: true, lastResort });
  const lying = await first;
  assert.deepEqual(asked, []);
  const second = nextDownload(bench.swarm);
  lying.fail(new MetainfoError("its origin has other bytes"));
  const download = await second;
  assert.equal(download.wanted.torrent.infoHash, honest.infoHash);
  const third = nextDownload(bench.swarm);
  bench.answers[0] = { metainfo, peers: [{ host: "liar", port: 1 }], webSeeds: [] };
  download.fail(new UnavailableError("gone"));
  const again = await third;
  assert.equal(again.wanted.torrent.infoHash, honest.infoHash);
  assert.deepEqual(again.wanted.peers, []);
  assert.deepEqual(asked, ["describe"]);
  again.finish();
  await arrival.settled();
});

test("a blob that was not promised is not described by its origin", async (t) => {
  const bench = await benchOf(t);
  const { asked, lastResort } = lastResortOf(metainfo);
  bench.answers[0] = undefined;
  const reliable = bench.start({ lastResort }).reliable({ streamed: true, signal: t.signal });
  assert.equal(await reliable, false);
  assert.deepEqual(asked, []);
});
