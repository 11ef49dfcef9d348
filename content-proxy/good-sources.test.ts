import assert from "node:assert/strict";
import { test } from "node:test";

import { Notifier } from "../core/async/notifier.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { goodSourceOrChange, hasGoodSourceNow, isTrusted } from "./good-sources.ts";

const { signal } = new AbortController();
const good = { hasGoodSource: async () => true };
const none = { hasGoodSource: async () => false };
const broken = { hasGoodSource: async () => Promise.reject(new Error("it failed")) };
const silent = { hasGoodSource: () => new Promise<boolean>(() => undefined) };

test("a download that fails, or does not know, has no good source now", async () => {
  assert.equal(await hasGoodSourceNow(good, { signal }), true);
  for (const each of [none, broken, silent]) {
    assert.equal(await hasGoodSourceNow(each, { signal }), false);
  }
});

test("who waits for a good source hears of it, or of a change", async () => {
  const changes = new Notifier();
  assert.equal(await goodSourceOrChange(good, changes, { signal }), true);
  for (const each of [none, broken, silent, undefined]) {
    const told = goodSourceOrChange(each, changes, { signal });
    changes.notify();
    assert.equal(await told, false);
  }
});

test("who waits for a good source need not wait on", async () => {
  const stopped = AbortSignal.abort(new Error("nobody waits"));
  const waiting = goodSourceOrChange(silent, new Notifier(), { signal: stopped });
  await assert.rejects(waiting, /nobody waits/);
});

test("a torrent is trusted that a seeder vouches for, or where peers are", () => {
  const chosen = { torrent: blobFixture(1).metainfo, peers: [], webSeeds: [] };
  const settings = { trustPeers: false, fromWhole: false };
  assert.equal(isTrusted({ ...chosen, isVouchedFor: true }, settings), true);
  assert.equal(isTrusted({ ...chosen, isVouchedFor: false }, settings), false);
  assert.equal(
    isTrusted({ ...chosen, isVouchedFor: false }, { ...settings, trustPeers: true }),
    true,
  );
});
