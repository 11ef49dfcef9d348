import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { TrafficAccount } from "./traffic-account.ts";

const { infoHash } = blobFixture(1).metainfo;

test("TrafficAccount keeps nothing of torrents that we do not take part in any more", () => {
  const account = new TrafficAccount();
  account.note({ infoHash, peers: 1, uploadedBytes: 5 });
  assert.deepEqual(account.of(infoHash), { peers: 0, uploadedBytes: 0 });
  account.add(infoHash);
  account.note({ infoHash, peers: 1, uploadedBytes: 5 });
  account.add(infoHash);
  assert.deepEqual(account.of(infoHash), { peers: 1, uploadedBytes: 5 });
  account.delete(infoHash);
  account.note({ infoHash, peers: 1, uploadedBytes: 6 });
  assert.deepEqual(account.of(infoHash), { peers: 0, uploadedBytes: 0 });
});

test("TrafficAccount counts what was given in torrents that were left, and is given there since", () => {
  const account = new TrafficAccount();
  account.add(infoHash);
  account.note({ infoHash, peers: 1, uploadedBytes: 5 });
  account.delete(infoHash);
  assert.equal(account.uploadedBytes, 5);
  account.note({ infoHash, peers: 1, uploadedBytes: 7 });
  assert.equal(account.uploadedBytes, 7);
  account.add(infoHash);
  assert.equal(account.uploadedBytes, 7);
  account.note({ infoHash, peers: 1, uploadedBytes: 9 });
  assert.equal(account.uploadedBytes, 9);
  account.engineLost();
  account.note({ infoHash, peers: 1, uploadedBytes: 2 });
  assert.equal(account.uploadedBytes, 11);
  account.delete(infoHash);
  assert.equal(account.uploadedBytes, 11);
});

test("TrafficAccount goes on counting when a torrent is dropped by the engine and taken up again", () => {
  const account = new TrafficAccount();
  account.add(infoHash);
  account.note({ infoHash, peers: 1, uploadedBytes: 100 });
  account.delete(infoHash);
  account.add(infoHash);
  account.note({ infoHash, peers: 1, uploadedBytes: 3 });
  assert.equal(account.uploadedBytes, 103);
  assert.deepEqual(account.of(infoHash), { peers: 1, uploadedBytes: 3 });
  account.note({ infoHash, peers: 1, uploadedBytes: 4 });
  assert.equal(account.uploadedBytes, 104);
});

test("TrafficAccount goes on counting when the engine starts from 0 again", () => {
  const account = new TrafficAccount();
  account.add(infoHash);
  account.note({ infoHash, peers: 2, uploadedBytes: 5 });
  account.engineLost();
  assert.deepEqual(account.of(infoHash), { peers: 0, uploadedBytes: 5 });
  account.note({ infoHash, peers: 1, uploadedBytes: 3 });
  assert.deepEqual(account.of(infoHash), { peers: 1, uploadedBytes: 8 });
});
