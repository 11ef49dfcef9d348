import assert from "node:assert/strict";
import { test } from "node:test";

import type { Digest } from "../core/digest.ts";
import type { SwarmStatus } from "../core/ports/swarm.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { UploadWatch } from "./upload-watch.ts";

test("look() touches what was taken since the last look", () => {
  const [a, b] = [blobFixture(10, "a"), blobFixture(10, "b")];
  let uploaded = [0, 5];
  const status = (): SwarmStatus[] =>
    [a, b].map(({ digest, metainfo }, index) => ({
      ...{ digest, infoHash: metainfo.infoHash, size: 10, bytesDone: 10, peers: 0 },
      uploadedBytes: uploaded[index] ?? 0,
      received: { peers: 0, seeders: 0, webSeeds: 0, origin: 0 },
    }));
  const touched: Digest[] = [];
  const known = { touch: (digest: Digest) => void touched.push(digest) };
  const watch = new UploadWatch({ swarm: { status }, known });
  watch.look();
  watch.look();
  uploaded = [1, 5];
  watch.look();
  // It left and came back: its count began anew.
  uploaded = [1, 0];
  watch.look();
  uploaded = [1, 2];
  watch.look();
  assert.deepEqual(touched, [b.digest, a.digest, b.digest]);
});
