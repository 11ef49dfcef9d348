import assert from "node:assert/strict";
import { test } from "node:test";

import { BufferPool } from "./buffer-pool.ts";
import { DownloadShares, type PieceBuffers } from "./download-shares.ts";

const ignore = () => undefined;

/** Takes buffers of a length until there are none. */
function takeAll(buffers: PieceBuffers, length: number): Buffer[] {
  const taken: Buffer[] = [];
  for (let one = buffers.take(length); one; one = buffers.take(length)) taken.push(one);
  return taken;
}

/** A download that has use for any number of buffers, and keeps them until it is told. */
function greedy(shares: DownloadShares, length: number) {
  const held: Buffer[] = [];
  const fill = () => void held.push(...takeAll(buffers, length));
  const buffers = shares.open(fill);
  const giveBackOne = () => {
    const one = held.shift();
    if (one) buffers.giveBack(one);
  };
  return { held, buffers, fill, giveBackOne };
}

test("DownloadShares gives a lone download two thirds of a pool, and others their part of the rest", () => {
  const shares = new DownloadShares(new BufferPool(90));
  assert.equal(takeAll(shares.open(ignore), 1).length, 60);
  assert.equal(takeAll(shares.open(ignore), 1).length, 20);
  assert.equal(takeAll(shares.open(ignore), 1).length, 6);
});

test("a download that began before others gives way to them, as its buffers come back", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const [first, second] = [greedy(shares, 1), greedy(shares, 1)];
  for (const download of [first, second]) download.fill();
  assert.deepEqual([first.held.length, second.held.length], [60, 20]);
  for (let count = 0; count < 60; count++) first.giveBackOne();
  assert.deepEqual([first.held.length, second.held.length], [36, 36]);
});

test("room comes free for a download with long pieces, whatever those with short ones take", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const short = Array.from({ length: 20 }, () => greedy(shares, 1));
  for (const download of short) download.fill();
  const long = greedy(shares, 30);
  long.fill();
  assert.deepEqual([long.held.length, long.buffers.isStarved], [0, true]);
  for (let round = 0; round < 60; round++) for (const { giveBackOne } of short) giveBackOne();
  assert.deepEqual([long.held.length, long.buffers.isStarved], [1, false]);
  for (const { held } of short) assert.ok(held.length > 0);
});

test("a download whose pieces fill the pool is not passed by for ever by others like it", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const downloads = Array.from({ length: 10 }, () => greedy(shares, 30));
  for (const download of downloads) download.fill();
  const served = new Set(downloads.filter(({ held }) => held.length > 0));
  for (let count = 0; count < 30; count++) {
    downloads.find(({ held }) => held.length > 0)?.giveBackOne();
    for (const download of downloads) if (download.held.length > 0) served.add(download);
  }
  assert.equal(served.size, downloads.length);
});

test("DownloadShares keeps nothing for a download that has ended, or wants no more", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const first = greedy(shares, 15);
  first.fill();
  const ended = shares.open(ignore);
  for (const other of [ended, shares.open(ignore)]) assert.equal(other.hasRoom(60), false);
  assert.equal(ended.isStarved, true);
  ended.close();
  assert.equal(ended.take(1), undefined);
  first.giveBackOne();
  assert.equal(first.held.length, 4);
});

test("a download that let room pass is not starved, until it has taken some", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const first = greedy(shares, 60);
  first.fill();
  const second = shares.open(ignore);
  assert.deepEqual([second.hasRoom(40), second.isStarved], [false, true]);
  assert.deepEqual([second.hasRoom(30), second.isStarved], [true, false]);
  assert.deepEqual([second.hasRoom(40), second.isStarved], [false, false]);
  const buffer = second.take(30);
  assert.ok(buffer);
  second.giveBack(buffer);
  assert.deepEqual([second.hasRoom(40), second.isStarved], [false, true]);
});

test("a buffer that comes back is offered to as many downloads as it is enough for, and to one more", () => {
  const shares = new DownloadShares(new BufferPool(90));
  const first = greedy(shares, 15);
  first.fill();
  assert.equal(first.held.length, 4);
  const offered: number[] = [];
  const wanting = Array.from({ length: 50 }, (_, index) => {
    const buffers = shares.open(() => {
      offered.push(index);
      buffers.take(20);
    });
    return buffers;
  });
  for (const buffers of wanting) buffers.take(20);
  assert.equal(wanting.filter(({ isStarved }) => isStarved).length, 49);
  first.giveBackOne();
  assert.deepEqual(offered, [1, 2]);
  first.giveBackOne();
  assert.deepEqual(offered, [1, 2, 2, 3]);
});
