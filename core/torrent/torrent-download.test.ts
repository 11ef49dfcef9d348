import assert from "node:assert/strict";
import { test } from "node:test";

import { SourceMovedError } from "../errors.ts";
import { growingInfoHash } from "../growing-torrent.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { TorrentDownload } from "./torrent-download.ts";

const { digest, metainfo } = blobFixture(600_000);
const { layout } = metainfo;

test("a growing download ends when another seeder has the blob and nobody gives a byte", async (t) => {
  let told = 0;
  // eslint-disable-next-line require-yield -- it breaks off before the first
  const pieceHashes = async function* (): AsyncGenerator<Uint8Array> {
    told++;
    throw new SourceMovedError(digest);
  };
  const infoHash = growingInfoHash({ digest, size: layout.size });
  const download = cleanUpOf(t).use(
    new TorrentDownload({
      ...{ id: 1, torrent: { digest, layout, infoHash, pieceHashes }, origin: undefined },
      post: ({ type }) => {
        if (type === "stop") download.onStopped();
      },
      onDispose: () => Promise.resolve(),
    }),
  );
  await assert.rejects(download.whole(), SourceMovedError);
  assert.equal(told, 3);
});
