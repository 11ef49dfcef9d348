import assert from "node:assert/strict";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { type TarPart, tarHeader, tarOf } from "../testing/tar-fixture.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";

/** An entry as it was told, with what its file holds: zeros where nothing was said. */
interface Told extends TarEntry {
  readonly content: Buffer;
}

/** Reads a whole stream, in chunks of any length. */
function read(tar: Uint8Array, { chunkLength = 1 << 16 } = {}): Told[] {
  const told: Told[] = [];
  const reader = new TarReader({
    begin: (entry) => told.push({ ...entry, content: Buffer.alloc(entry.size) }),
    content: (bytes, offset) => bytes.copy(told.at(-1)?.content ?? Buffer.alloc(0), offset),
    finish: () => undefined,
  });
  for (let start = 0; start < tar.length; start += chunkLength) {
    reader.write(Buffer.from(tar.subarray(start, start + chunkLength)));
  }
  reader.end();
  return told;
}

/** A header block with bytes at places of the test's choice, and a right checksum. */
function header(entry: Parameters<typeof tarHeader>[0], places: Record<number, string>): Buffer {
  const block = tarHeader(entry, 0);
  for (const [offset, text] of Object.entries(places)) {
    block.write(text, Number(offset), "latin1");
  }
  block.write("        ", 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** An entry of one of the types that are about the next, with its content. */
function special(flag: string, content: Uint8Array): Buffer {
  const block = tarHeader({ name: "special", type: { flag }, uid: 0 }, content.length);
  return Buffer.concat([block, content, Buffer.alloc(-content.length & 511)]);
}

const gnuMagic = { 257: "ustar  \0" };

function one(parts: readonly TarPart[]): Told {
  const [entry, ...others] = read(tarOf(parts));
  assert.ok(entry);
  assert.deepEqual(others, []);
  return entry;
}

test("TarReader reads headers in all formats", () => {
  const v7 = one([header({ name: "old", mode: 0o640 }, { 257: "\0\0\0\0\0\0\0\0" })]);
  assert.deepEqual([v7.name, v7.mode, v7.kind], ["old", 0o640, "file"]);
  const ustar = one([header({ name: "tail" }, { 345: "some/prefix\0" })]);
  assert.equal(ustar.name, "some/prefix/tail");
  const gnu = one([header({ name: "new" }, { ...gnuMagic, 345: "14524470001\0" })]);
  assert.equal(gnu.name, "new");
  assert.equal(gnu.times.accessed.seconds, 0o14524470001);
});

test("TarReader takes the start of a long name from where old versions of Go put it", () => {
  const entry = one([header({ name: "tail" }, { ...gnuMagic, 345: "a/long/prefix\0" })]);
  assert.equal(entry.name, "a/long/prefix/tail");
  assert.equal(entry.times.accessed.seconds, 0);
});

test("TarReader tells directories of old formats by the slash, and no others", () => {
  assert.equal(one([header({ name: "d/" }, { 156: "\0" })]).kind, "directory");
  assert.equal(one([header({ name: "d/" }, { 156: "0" })]).kind, "file");
});

test("TarReader reads numbers in binary", () => {
  const binary = "\x80\0\0\0\0\0\0\0\x7f\0\0\0";
  const entry = one([
    header({ name: "a" }, { ...gnuMagic, 108: "\x80\0\0\0\0\x1e\x84\x80", 136: binary }),
  ]);
  assert.equal(entry.uid, 2_000_000);
  assert.equal(entry.times.modified.seconds, 0x7f000000);
  const early = one([header({ name: "a" }, { ...gnuMagic, 136: "\xff".repeat(12) })]);
  assert.equal(early.times.modified.seconds, 0);
  const minusOne = { ...gnuMagic, 124: "\xff".repeat(12) };
  assert.throws(() => read(tarOf([header({ name: "a" }, minusOne)])), LayerFormatError);
  const noNumber = { ...gnuMagic, 108: "\xc0\0\0\0\0\0\0\0" };
  assert.throws(() => read(tarOf([header({ name: "a" }, noNumber)])), LayerFormatError);
});

test("TarReader refuses a wrong checksum, and the format of star", () => {
  const wrong = tarHeader({ name: "a" }, 0);
  wrong[0] = 0x62;
  assert.throws(() => read(tarOf([wrong])), LayerFormatError);
  assert.throws(() => read(tarOf([header({ name: "a" }, { 508: "tar\0" })])), LayerFormatError);
});

test("TarReader takes long names of GNU tar before those of PAX, and each once", () => {
  const long = Buffer.from(`${"n".repeat(300)}\0`);
  const target = Buffer.from("t".repeat(300));
  const told = read(
    tarOf([
      special("L", long),
      special("K", target),
      { name: "short", type: "symlink", linkname: "x", pax: { path: "pax" } },
      { name: "next", type: "symlink", linkname: "y" },
    ]),
  );
  assert.deepEqual(
    told.map(({ name, linkName }) => [name, linkName]),
    [
      ["n".repeat(300), "t".repeat(300)],
      ["next", "y"],
    ],
  );
});

test("TarReader takes what PAX says for what the header says, but for nothing", () => {
  const pax = { path: "", uid: "3000000000", gid: "7", mtime: "5.5", size: "3", uname: "x" };
  const block = tarHeader({ name: "name", uid: 1, mtime: 9 }, 0);
  const records = tarOf([{ name: "", pax }], { trailer: Buffer.alloc(0) }).subarray(0, -512);
  const content = Buffer.concat([Buffer.from("abc"), Buffer.alloc(509)]);
  const entry = one([records, block, content]);
  assert.deepEqual([entry.name, entry.uid, entry.gid], ["name", 3_000_000_000, 7]);
  assert.deepEqual(entry.times.modified, { seconds: 5, nanoseconds: 500_000_000 });
  assert.equal(entry.content.toString(), "abc");
});

test("TarReader tells of a global header by its name alone", () => {
  const records = Buffer.from("18 path=some/name\n11 mtime=x\n10 uid=-1\n");
  const told = read(tarOf([special("g", records), { name: "next", uid: 3 }]));
  assert.deepEqual(
    told.map(({ name, kind, uid }) => [name, kind, uid]),
    [
      ["some/name", "globalHeader", 0],
      ["next", "file", 3],
    ],
  );
});

test("TarReader passes over content where there can be none", () => {
  const link = header({ name: "s", type: "symlink", linkname: "x" }, { 124: "00000000005" });
  const told = read(tarOf([link, { name: "file", content: "x" }]));
  assert.deepEqual(
    told.map(({ name, size }) => [name, size]),
    [
      ["s", 5],
      ["file", 1],
    ],
  );
});

const version = { "GNU.sparse.major": "0", "GNU.sparse.minor": "1" };
const stored = Buffer.concat([Buffer.alloc(512, "A"), Buffer.alloc(100, "B")]);
const expanded = Buffer.alloc(10_000);
expanded.fill("A", 4096, 4096 + 512);
expanded.fill("B", 9000, 9100);

/** The same sparse file in each format of PAX. */
const sparseFiles: Record<string, TarPart> = {
  "0.0": Buffer.concat([
    special(
      "x",
      Buffer.from(
        "25 GNU.sparse.size=10000\n26 GNU.sparse.numblocks=2\n" +
          "26 GNU.sparse.offset=4096\n27 GNU.sparse.numbytes=512\n" +
          "26 GNU.sparse.offset=9000\n27 GNU.sparse.numbytes=100\n",
      ),
    ),
    tarOf([{ name: "sparse", content: stored }], { trailer: Buffer.alloc(0) }),
  ]),
  "0.1": {
    name: "GNUSparseFile.1/x",
    content: stored,
    pax: {
      ...version,
      "GNU.sparse.name": "sparse",
      "GNU.sparse.size": "10000",
      "GNU.sparse.numblocks": "2",
      "GNU.sparse.map": "4096,512,9000,100",
    },
  },
  "1.0": {
    name: "GNUSparseFile.1/x",
    content: Buffer.concat([Buffer.from("2\n4096\n512\n9000\n100\n".padEnd(512, "\0")), stored]),
    pax: {
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "sparse",
      "GNU.sparse.realsize": "10000",
    },
  },
};

for (const [format, part] of Object.entries(sparseFiles)) {
  test(`TarReader expands sparse files of format ${format}`, () => {
    for (const chunkLength of [1, 100, 512, 4096]) {
      const [file, next] = read(tarOf([part, { name: "next", content: "x" }]), { chunkLength });
      assert.equal(file?.name, "sparse");
      assert.deepEqual(file.content, expanded);
      assert.equal(next?.content.toString(), "x");
    }
  });
}

test("TarReader reads a map that is longer than a block", () => {
  const regions = Array.from({ length: 300 }, (_, index) => `${index * 1000}\n1\n`).join("");
  const map = Buffer.from(`300\n${regions}`);
  const content = Buffer.concat([map, Buffer.alloc(-map.length & 511), Buffer.alloc(300, "C")]);
  const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "299001" };
  const entry = one([{ name: "sparse", content, pax }]);
  assert.equal(entry.size, 299_001);
  assert.equal(entry.content.filter((byte) => byte === 0x43).length, 300);
  assert.equal(entry.content.at(299_000), 0x43);
});

const badMaps = {
  "out of order": { map: "9000,512,0,100", blocks: "2" },
  "past its end": { map: "0,512,99999,100", blocks: "2" },
  "with more than there is": { map: "0,512,1000,101", blocks: "2" },
  "with less than there is": { map: "0,512", blocks: "1" },
  "of another length": { map: "0,512,1000,100", blocks: "3" },
  "of no numbers": { map: "0,512,x,100", blocks: "2" },
  "of huge numbers": { map: "0,512,9007199254740991,100", blocks: "2" },
};

for (const [what, { map, blocks }] of Object.entries(badMaps)) {
  test(`TarReader refuses the map of a sparse file ${what}`, () => {
    const sparse = { "GNU.sparse.map": map, "GNU.sparse.numblocks": blocks };
    const pax = { ...version, "GNU.sparse.size": "10000", ...sparse };
    assert.throws(() => read(tarOf([{ name: "x", content: stored, pax }])), LayerFormatError);
  });
}

test("TarReader refuses a map without an end", () => {
  const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10" };
  for (const content of ["", "2\n1\n", "5\n".padEnd(2_000_000, "1\n"), "1".repeat(2_000_000)]) {
    assert.throws(() => read(tarOf([{ name: "x", content, pax }])), LayerFormatError);
  }
});

test("TarReader takes a file for no sparse one when the format has a number that nobody knows", () => {
  const pax = { "GNU.sparse.major": "2", "GNU.sparse.minor": "0", "GNU.sparse.name": "y" };
  assert.equal(one([{ name: "x", content: "plain", pax }]).content.toString(), "plain");
});
