import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { DataLossError, UnavailableError } from "../errors.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { testFolder } from "../testing/test-folder.ts";
import { Bitfield } from "./bitfield.ts";
import { PieceFile } from "./piece-file.ts";
import { ServedTorrent } from "./served-torrent.ts";

const blob = blobFixture(1000);
const listener = { onHave: () => undefined, onIntent: () => undefined, close: () => undefined };

async function fileOf(t: TestContext): Promise<string> {
  const folder = testFolder(t, "served");
  const path = join(folder, "blob");
  await writeFile(path, blob.bytes);
  return path;
}

/** How often this process has a file open. */
function openTimes(path: string): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return undefined;
    }
  });
  return targets.filter((target) => target === path).length;
}

function torrentAt(path: string): ServedTorrent {
  const { infoHash, layout } = blob.metainfo;
  return new ServedTorrent({ infoHash, layout, path });
}

test("ServedTorrent opens no file that nobody would have closed", async (t) => {
  const torrent = torrentAt(await fileOf(t));
  await assert.rejects(torrent.read(Buffer.alloc(10), 0), UnavailableError);
  torrent.listen(listener);
  const bytes = Buffer.alloc(10);
  await torrent.read(bytes, 5);
  assert.deepEqual(bytes, blob.bytes.subarray(5, 15));
  torrent.unlisten(listener);
  await assert.rejects(torrent.read(bytes, 0), UnavailableError);
});

test("ServedTorrent that is held reads on when its file has moved, and closes it at the end", async (t) => {
  const path = await fileOf(t);
  const torrent = torrentAt(path);
  await torrent.hold();
  await rename(path, `${path}-moved`);
  torrent.listen(listener);
  const bytes = Buffer.alloc(10);
  await torrent.read(bytes, 5);
  assert.deepEqual(bytes, blob.bytes.subarray(5, 15));
  torrent.unlisten(listener);
  assert.equal(openTimes(`${path}-moved`), 1);
  torrent.close("the test is over");
  while (openTimes(`${path}-moved`) > 0) await setImmediate();
});

test("ServedTorrent that is held finds the file where it was moved to before that", async (t) => {
  const path = await fileOf(t);
  const movedTo = `${path}-moved`;
  await rename(path, movedTo);
  const torrent = torrentAt(path);
  await torrent.hold({ movedTo });
  await rename(movedTo, path);
  torrent.listen(listener);
  const bytes = Buffer.alloc(10);
  await torrent.read(bytes, 5);
  assert.deepEqual(bytes, blob.bytes.subarray(5, 15));
  torrent.unlisten(listener);
  torrent.close("the test is over");
  await assert.rejects(torrentAt(movedTo).hold({ movedTo }), DataLossError);
});

test("ServedTorrent whose file cannot be opened fails for who reads, and for nobody else", async (t) => {
  const torrent = torrentAt(join(await fileOf(t), "below-a-file"));
  torrent.listen(listener);
  const reads = [torrent.read(Buffer.alloc(1), 0), torrent.read(Buffer.alloc(1), 0)];
  torrent.unlisten(listener);
  const ends = await Promise.allSettled(reads);
  for (const end of ends) {
    assert.ok(end.status === "rejected" && end.reason instanceof UnavailableError);
  }
});

test("PieceFile that is closed is not used any more, for its number may be another's", async (t) => {
  const path = await fileOf(t);
  const file = await PieceFile.open(path, "r+");
  await Promise.all([file.close(), file.close()]);
  await assert.rejects(file.read(Buffer.alloc(1), 0), UnavailableError);
  await assert.rejects(file.write(Buffer.alloc(1), 0), UnavailableError);
});

test("ServedTorrent has places besides for far nodes, who take none of the others", () => {
  const { infoHash, layout } = blobFixture(16 * 256 * 1024).metainfo;
  const partial = new Bitfield(layout.pieceCount);
  const torrent = new ServedTorrent({ infoHash, layout, path: "/", partial, askersMax: 28 });
  const near = Array.from({ length: 28 }, () => ({ ...listener }));
  const far = Array.from({ length: 4 }, () => ({ ...listener, isExtra: true }));
  for (const each of near) torrent.listen(each);
  for (const each of far) {
    assert.deepEqual([torrent.isCrowded, torrent.hasExtraPlace], [true, true]);
    torrent.listen(each);
  }
  assert.deepEqual([torrent.isCrowded, torrent.hasExtraPlace], [true, false]);
  for (const each of near.slice(0, 1)) torrent.unlisten(each);
  assert.equal(torrent.isCrowded, false);
  for (const each of far.slice(0, 1))
    for (let twice = 0; twice < 2; twice++) torrent.unlisten(each);
  assert.equal(torrent.hasExtraPlace, true);
});

test("ServedTorrent has places and turns for nodes, whatever guests listen", () => {
  const { infoHash, layout } = blobFixture(16 * 256 * 1024).metainfo;
  const torrent = new ServedTorrent({ infoHash, layout, path: "/" });
  const turns = () => torrent.turns;
  const guests = Array.from({ length: 100 }, () => ({ ...listener, isGuest: true }));
  for (const each of guests) torrent.listen(each);
  assert.deepEqual([torrent.isCrowded, turns()], [false, undefined]);
  torrent.listen(listener);
  const first = turns();
  assert.ok(first);
  for (const each of guests.slice(1)) torrent.unlisten(each);
  assert.equal(turns(), first);
  torrent.unlisten(listener);
  assert.equal(turns(), undefined);
  torrent.listen(listener);
  assert.ok(turns());
  assert.notEqual(turns(), first, "the next crowd has turns of its own");
});

/** Somebody who listens and notes which pieces are given to others. */
function noting() {
  const noted: number[] = [];
  const onGiven = (indexes: readonly number[]) => noted.push(...indexes);
  return { ...listener, noted, onGiven };
}

test("ServedTorrent that is whole tells all others of a piece that one asks for, once", async () => {
  const { infoHash, layout } = blobFixture(16 * 256 * 1024).metainfo;
  const torrent = new ServedTorrent({ infoHash, layout, path: "/" });
  const [asker, other, third] = [noting(), noting(), noting()];
  for (const each of [asker, other, third]) torrent.listen(each);
  torrent.gives(asker, 5, 0);
  for (const index of [5, 7]) torrent.gives(other, index, 0);
  await setImmediate();
  assert.deepEqual(
    [asker, other, third].map(({ noted }) => noted),
    [[7], [5], [5, 7]],
  );
  assert.deepEqual([...torrent.given(0)], [5, 7], "who comes later is told as well");
  for (const each of [asker, other, third]) torrent.unlisten(each);
  assert.deepEqual([...torrent.given(0)], [], "the next crowd has copies of its own to make");
});

test("ServedTorrent of a download has turns, and tells nobody what it gives", async () => {
  const { infoHash, layout } = blobFixture(16 * 256 * 1024).metainfo;
  const partial = new Bitfield(layout.pieceCount);
  const torrent = new ServedTorrent({ infoHash, layout, path: "/", partial });
  const [asker, other] = [noting(), noting()];
  for (const each of [asker, other]) torrent.listen(each);
  assert.ok(torrent.turns);
  torrent.gives(asker, 5, 0);
  await setImmediate();
  assert.deepEqual(other.noted, []);
});
