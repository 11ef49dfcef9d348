import assert from "node:assert/strict";
import { test } from "node:test";

import { BytesGiven } from "./bytes-given.ts";

test("what was given by BitTorrent counts beside what went by HTTP", () => {
  const swarm = { uploadedBytes: 70 };
  const given = new BytesGiven(swarm);
  given.add(1000);
  assert.equal(given.total, 1070);
  swarm.uploadedBytes = 75;
  assert.equal(given.total, 1075);
});
