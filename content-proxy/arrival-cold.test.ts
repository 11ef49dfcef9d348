import assert from "node:assert/strict";
import { test } from "node:test";

import type { Digest } from "../core/digest.ts";
import {
  BlobNotFoundError,
  DigestMismatchError,
  SourceMovedError,
  UnavailableError,
} from "../core/errors.ts";
import { growingInfoHash } from "../core/growing-torrent.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import type { ColdAnswer } from "../core/ports/cold-source.ts";
import {
  benchOf,
  bytes,
  digest,
  lastResortOf,
  metainfo,
  nextDownload,
} from "./arrival-bench.test-support.ts";
import type { WantedColdBlob } from "./cold-fetch.ts";

/** Seeders that give `answers` in turn, and note what was refused. */
function seedersOf(...answers: (ColdAnswer | undefined)[]) {
  const refused: Digest[] = [];
  const asked: { readonly promised: boolean; readonly withinMs: number }[] = [];
  const coldFetch = {
    isResponsive: false,
    ask: async ({ promised }: WantedColdBlob, { withinMs }: { readonly withinMs: number }) => {
      asked.push({ promised, withinMs });
      return answers.length > 1 ? answers.shift() : answers[0];
    },
    refuse: (which: Digest) => void refused.push(which),
  };
  return { coldFetch, asked, refused };
}

const growing: ColdAnswer = {
  state: "arriving",
  size: bytes.length,
  torrent: {
    ...{ digest, layout: metainfo.layout },
    infoHash: growingInfoHash({ digest, size: bytes.length }),
    pieceHashes: async function* () {
      yield await Promise.resolve(metainfo.pieceHashes);
    },
  },
  peers: [{ host: "10.0.0.1", port: 7080 }],
  webSeeds: ["http://seeder/blob"],
};

test("what nobody has comes from a seeder that is receiving it, and may be relied on", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch } = seedersOf(growing);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ trustPeers: false, coldFetch });
  const reliable = arrival.reliable({ streamed: true, signal: t.signal });
  const download = await started;
  assert.equal(download.wanted.torrent, growing.torrent);
  assert.deepEqual(download.wanted.peers, growing.peers);
  assert.deepEqual(download.wanted.webSeeds, growing.webSeeds);
  download.sources(true);
  assert.equal(await reliable, true);
  download.finish(metainfo);
  await arrival.settled();
  assert.deepEqual(bench.arrived, [digest]);
  assert.equal(bench.found, metainfo);
});

test("what a seeder has whole is found in the directory, which did not know it a moment before", async (t) => {
  const bench = await benchOf(t);
  bench.answers.unshift(undefined);
  const { coldFetch } = seedersOf({ state: "whole", size: bytes.length });
  const started = nextDownload(bench.swarm);
  bench.start({ coldFetch });
  assert.equal((await started).wanted.torrent, metainfo);
});

test("a small blob that comes with a seeder's answer needs no swarm", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch } = seedersOf({ state: "whole", size: bytes.length, content: bytes });
  const arrival = bench.start({ coldFetch });
  assert.equal(await arrival.reliable({ streamed: false, signal: t.signal }), true);
  await arrival.settled();
  assert.deepEqual(bench.arrived, [digest]);
  const pieces = new PieceHasher(metainfo.layout.pieceLength);
  pieces.update(bytes);
  assert.deepEqual(bench.found?.pieceHashes, pieces.digest());
});

test("a seeder is waited for longer where one has answered a moment ago: it is busy, not gone", async (t) => {
  for (const [isResponsive, atLeast, atMost] of [
    [false, 500, 2000],
    [true, 4000, 6000],
  ] as const) {
    const bench = await benchOf(t);
    bench.answers[0] = undefined;
    const { coldFetch, asked } = seedersOf(undefined);
    await bench.start({ coldFetch: { ...coldFetch, isResponsive } }).settled();
    const [{ withinMs } = { withinMs: 0 }] = asked;
    assert(withinMs >= atLeast && withinMs <= atMost, `within ${withinMs} ms`);
  }
});

test("a blob that no seeder gets is left to containerd", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch } = seedersOf(undefined);
  const arrival = bench.start({ coldFetch });
  assert.equal(await arrival.reliable({ streamed: true, signal: t.signal }), false);
});

test("a promised blob goes on by its metainfo when the seeder that received it is gone", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  bench.isKept = false;
  const { coldFetch, asked } = seedersOf(growing, undefined);
  const { lastResort } = lastResortOf(metainfo);
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ coldFetch, lastResort });
  const download = await first;
  arrival.promise();
  const second = nextDownload(bench.swarm);
  download.fail(new UnavailableError("gone"));
  const again = await second;
  assert.equal(again.wanted.torrent, metainfo);
  assert.deepEqual(
    asked.map(({ promised }) => promised),
    [false, true],
  );
  again.finish();
  await arrival.settled();
});

test("a blob that nobody relies on is tried by a second seeder where the first has ended, and then given up", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch, asked } = seedersOf(growing);
  const first = nextDownload(bench.swarm);
  const arrival = bench.start({ coldFetch });
  const download = await first;
  const second = nextDownload(bench.swarm);
  download.fail(new SourceMovedError(digest));
  (await second).fail(new SourceMovedError(digest));
  await arrival.settled();
  assert.ok(arrival.failure instanceof BlobNotFoundError);
  assert.equal(asked.length, 2);
});

test("seeders are asked for a promised blob whose peers are gone, and its metainfo stands", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch, asked } = seedersOf(growing);
  const started = nextDownload(bench.swarm);
  bench.start({ promised: true, coldFetch });
  assert.equal((await started).wanted.torrent.infoHash, metainfo.infoHash);
  assert.equal(asked.length, 1);
});

test("a seeder that gives another blob is not asked for it again", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  const { coldFetch, refused } = seedersOf(growing);
  const started = nextDownload(bench.swarm);
  const arrival = bench.start({ coldFetch });
  (await started).fail(new DigestMismatchError(digest, digest));
  await arrival.settled();
  assert.deepEqual(refused, [digest]);
});

test("a promised blob is described as soon as it can be, when containerd was not there at first", async (t) => {
  const bench = await benchOf(t);
  bench.answers[0] = undefined;
  bench.isKept = false;
  const { lastResort } = lastResortOf(metainfo);
  assert.ok(lastResort);
  let tries = 0;
  const late: typeof lastResort = {
    ...lastResort,
    describe: async (blob, options) => {
      if (++tries === 1) throw new UnavailableError("containerd is not there");
      return lastResort.describe(blob, options);
    },
  };
  const started = nextDownload(bench.swarm);
  bench.start({ promised: true, lastResort: late });
  assert.equal((await started).wanted.torrent, metainfo);
  assert.equal(tries, 2);
});
