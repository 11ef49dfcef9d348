import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { LingeringTorrents } from "./lingering-torrents.ts";
import { ServedTorrent } from "./served-torrent.ts";

const { infoHash, layout } = blobFixture(1000).metainfo;

/** A torrent with a peer that is served, those that linger, and a clock. */
function bench() {
  let nowMs = 0;
  const torrent = new ServedTorrent({ infoHash, layout, path: "/nowhere", isGrowing: true });
  const peer = { onHave: () => undefined, onIntent: () => undefined, close: () => undefined };
  torrent.listen(peer);
  const forgotten: ServedTorrent[] = [];
  const lingering = new LingeringTorrents({
    now: () => nowMs,
    forget: (torrent) => forgotten.push(torrent),
  });
  const pass = (ms: number) => {
    nowMs += ms;
    lingering.tick();
  };
  return { torrent, peer, lingering, pass, forgotten };
}

test("LingeringTorrents forgets a torrent once its last peer has left", () => {
  const { torrent, peer, lingering, pass, forgotten } = bench();
  lingering.add(torrent, { graceMs: 0 });
  pass(60_000);
  assert.deepEqual(forgotten, []);
  torrent.unlisten(peer);
  pass(1000);
  pass(1000);
  assert.deepEqual(forgotten, [torrent]);
});

test("LingeringTorrents forgets a torrent at once that nobody is connected for", () => {
  const { torrent, peer, lingering, forgotten } = bench();
  torrent.unlisten(peer);
  lingering.add(torrent, { graceMs: 0 });
  assert.deepEqual(forgotten, [torrent]);
});

test("LingeringTorrents keeps a torrent for those who may still come", () => {
  const { torrent, peer, lingering, pass, forgotten } = bench();
  torrent.unlisten(peer);
  lingering.add(torrent, { graceMs: 30_000 });
  pass(29_999);
  assert.deepEqual(forgotten, []);
  pass(1);
  assert.deepEqual(forgotten, [torrent]);
});

test("LingeringTorrents forgets a torrent in the end, however slow its peers are", () => {
  const { torrent, lingering, pass, forgotten } = bench();
  lingering.add(torrent, { graceMs: 0 });
  pass(5 * 60_000);
  assert.deepEqual(forgotten, [torrent]);
});

test("LingeringTorrents forgets all when it is disposed of", () => {
  const { torrent, lingering, pass, forgotten } = bench();
  lingering.add(torrent, { graceMs: 0 });
  lingering[Symbol.dispose]();
  pass(1000);
  assert.deepEqual(forgotten, [torrent]);
});
