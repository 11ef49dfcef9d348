import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { MetainfoError, UnavailableError } from "../errors.ts";
import type { GrowingTorrent } from "../growing-torrent.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { HashFeed } from "./hash-feed.ts";

const { metainfo } = blobFixture(600_000);
const { pieceHashes, layout } = metainfo;

/** Reads hashes from streams of which each is the next of these. */
function feedOf(t: TestContext, ...streams: GrowingTorrent["pieceHashes"][]) {
  const starts: number[] = [];
  const came: Uint8Array[] = [];
  const refused = Promise.withResolvers<MetainfoError>();
  const complete = Promise.withResolvers<undefined>();
  const feed = cleanUpOf(t).use(
    new HashFeed({
      torrent: {
        ...metainfo,
        pieceHashes: (options) => {
          starts.push(options.start);
          const stream = streams[starts.length - 1];
          assert.ok(stream);
          return stream(options);
        },
      },
      onHashes: (hashes) => {
        came.push(hashes);
        if (Buffer.concat(came).length === pieceHashes.length) complete.resolve(undefined);
      },
      onRefused: refused.resolve,
      onMoved: () => undefined,
    }),
  );
  const bytes = () => Buffer.concat(came);
  return { feed, starts, bytes, refused: refused.promise, complete: complete.promise };
}

function run(start: number, end: number): Uint8Array {
  return pieceHashes.subarray(start * 20, end * 20);
}

test("HashFeed passes hashes on as they come, and makes metainfo of them", async (t) => {
  const { feed, bytes, complete } = feedOf(t, async function* () {
    yield run(0, 2);
    assert.equal(feed.metainfo(), undefined);
    yield new Uint8Array();
    yield run(2, layout.pieceCount);
  });
  await complete;
  assert.ok(bytes().equals(pieceHashes));
  assert.equal(feed.metainfo()?.infoHash, metainfo.infoHash);
});

test("HashFeed goes on where a stream broke off or ended early", async (t) => {
  const { starts, bytes, complete } = feedOf(
    t,
    async function* () {
      yield run(0, 2);
      throw new UnavailableError("hung up");
    },
    async function* () {
      yield run(2, 3);
    },
    async function* () {
      yield run(3, layout.pieceCount);
    },
  );
  await complete;
  assert.deepEqual(starts, [0, 2, 3]);
  assert.ok(bytes().equals(pieceHashes));
});

test("HashFeed reads no more than it needs of a stream that never ends", async (t) => {
  const closed = Promise.withResolvers<undefined>();
  const { complete } = feedOf(t, async function* () {
    try {
      yield pieceHashes;
      for (;;) yield run(0, 1);
    } finally {
      closed.resolve(undefined);
    }
  });
  await Promise.all([complete, closed.promise]);
});

const nonsense = { "half a hash": 30, "more hashes than pieces": pieceHashes.length + 20 };
for (const [what, length] of Object.entries(nonsense)) {
  test(`HashFeed refuses ${what}, and asks no more`, async (t) => {
    const { starts, refused, bytes } = feedOf(t, async function* () {
      yield new Uint8Array(length);
    });
    assert.ok((await refused) instanceof MetainfoError);
    assert.deepEqual([starts.length, bytes().length], [1, 0]);
  });
}

test("HashFeed lets go of a stream that hangs when it is disposed of", async (t) => {
  const asked = Promise.withResolvers<undefined>();
  const { feed } = feedOf(t, async function* ({ signal }) {
    asked.resolve(undefined);
    await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error)),
    );
    yield run(0, 1);
  });
  await asked.promise;
  await feed[Symbol.asyncDispose]();
});
