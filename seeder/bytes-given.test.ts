import assert from "node:assert/strict";
import { test } from "node:test";

import { growingInfoHash } from "../core/growing-torrent.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { BytesGiven } from "./bytes-given.ts";

test("what was given in a swarm counts when it is left, beside what went by HTTP", () => {
  const { digest, metainfo } = blobFixture(1000);
  const rest = { digest, size: 1000, bytesDone: 1000, peers: 1 };
  const received = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
  const growing = growingInfoHash({ digest, size: 1000 });
  const swarms = [
    { ...rest, received, infoHash: growing, uploadedBytes: 70 },
    { ...rest, received, infoHash: metainfo.infoHash, uploadedBytes: 5 },
  ];
  const given = new BytesGiven({ status: () => swarms });
  given.add(1000);
  assert.equal(given.total, 1075);
  given.leave(growing);
  swarms.shift();
  assert.equal(given.total, 1075);
  given.leave(growing);
  assert.equal(given.total, 1075);
});
