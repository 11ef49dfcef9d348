import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { type TarPart, tarHeader, tarOf } from "../testing/tar-fixture.ts";
import { emptyDirectory, pathsIn, unpack } from "./unpacked-tree.test-support.ts";

test("a layer's names start at its top, whatever is in them", async (t) => {
  const { path } = await unpack(t, [
    { name: "../../above", content: "1" },
    { name: "/absolute/file", content: "2" },
    { name: "a/../../../b", content: "3" },
    { name: "./c//./d", content: "4" },
    { name: "x/..", content: "5" },
    { name: "..", type: "symlink", linkname: "/etc" },
  ]);
  assert.deepEqual(pathsIn(path), ["above", "absolute", "absolute/file", "b", "c", "c/d"]);
  assert.deepEqual(readdirSync(dirname(path)), ["layer"]);
});

test("a layer's symbolic links lead to nothing outside of it", async (t) => {
  const root = emptyDirectory(t);
  const outside = join(dirname(root), "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "file"), "untouched");
  const { path } = await unpack(
    t,
    [
      { name: "absolute", type: "symlink", linkname: outside },
      { name: "absolute/file", content: "evil" },
      { name: "upwards", type: "symlink", linkname: "../outside" },
      { name: "upwards/file", content: "evil" },
      { name: "upwards/made/", mode: 0o777 },
      { name: "chain", type: "symlink", linkname: "upwards/../../../outside" },
      { name: "chain/.wh.hidden" },
      { name: "hard", type: "link", linkname: "upwards/file" },
    ],
    { root },
  );
  assert.deepEqual(readdirSync(outside), ["file"]);
  assert.equal(readFileSync(join(outside, "file"), "utf8"), "untouched");
  assert.equal(readFileSync(join(path, outside, "file"), "utf8"), "evil");
  assert.equal(readFileSync(join(path, "hard"), "utf8"), "evil");
  assert.deepEqual(readdirSync(join(path, "outside")).sort(), ["file", "hidden", "made"]);
});

test("a layer's symbolic links lead on within it", async (t) => {
  const { path, layer } = await unpack(t, [
    { name: "usr/lib/" },
    { name: "lib", type: "symlink", linkname: "/usr/lib" },
    { name: "lib/so", content: "1" },
    { name: "lib/sub/", mode: 0o711, mtime: 7 },
    { name: "new", type: "symlink", linkname: "not/there/../yet" },
    { name: "new/file", content: "2" },
    { name: "new/top", type: "symlink", linkname: "/usr" },
    { name: "new/top/file", content: "3" },
    { name: "moved/file" },
    { name: "moved", type: "symlink", linkname: "usr" },
    { name: "moved/later", content: "4" },
  ]);
  assert.equal(readFileSync(join(path, "usr/lib/so"), "utf8"), "1");
  assert.equal(lstatSync(join(path, "usr/lib/sub")).mtimeMs, 7000);
  assert.equal(readFileSync(join(path, "not/yet/file"), "utf8"), "2");
  assert.equal(readFileSync(join(path, "usr/file"), "utf8"), "3");
  assert.equal(readFileSync(join(path, "usr/later"), "utf8"), "4");
  assert.deepEqual(layer.impliedDirectories, ["usr", "not", "not/yet"]);
});

test("a file is never written through a link of its name", async (t) => {
  for (const type of ["file", "directory", "fifo"] as const) {
    const root = emptyDirectory(t);
    const outside = join(dirname(root), "outside");
    writeFileSync(outside, "untouched");
    const link = { name: "name", type: "symlink", linkname: outside } as const;
    await unpack(t, [link, { name: "name", type, mode: 0o711, mtime: 1 }], { root });
    assert.equal(lstatSync(join(root, "name")).isSymbolicLink(), false);
    assert.equal(readFileSync(outside, "utf8"), "untouched");
    assert.notEqual(lstatSync(outside).mtimeMs, 1000);
  }
});

test("hard links lead to files of the layer alone", async (t) => {
  const root = emptyDirectory(t);
  writeFileSync(join(dirname(root), "outside"), "secret");
  for (const linkname of ["../outside", "missing", "d", "d/", ".", "..", "", "d/../..", "f/x"]) {
    const content: TarPart[] = [
      { name: "d/" },
      { name: "f" },
      { name: "hard", type: "link", linkname },
    ];
    await assert.rejects(unpack(t, content), LayerFormatError, linkname);
  }
  await assert.rejects(
    unpack(t, [{ name: "f" }, { name: "f", type: "link", linkname: "f" }]),
    LayerFormatError,
  );
});

test("a hard link to a symbolic link is one more name of the link", async (t) => {
  const { path } = await unpack(t, [
    { name: "s", type: "symlink", linkname: "/etc/passwd" },
    { name: "h", type: "link", linkname: "s", mode: 0o600, mtime: 5 },
  ]);
  assert.equal(readlinkSync(join(path, "h")), "/etc/passwd");
  assert.equal(lstatSync(join(path, "s")).mtimeMs, 5000);
});

const emptySparse = {
  "GNU.sparse.major": "0",
  "GNU.sparse.minor": "1",
  "GNU.sparse.numblocks": "0",
};

const refused: Record<string, readonly TarPart[] | Uint8Array> = {
  "links that lead to each other": [
    { name: "a", type: "symlink", linkname: "b" },
    { name: "b", type: "symlink", linkname: "a" },
    { name: "a/file" },
  ],
  "a file for a directory": [{ name: "a" }, { name: "a/b" }],
  "a zero byte in a name": [{ name: "x", pax: { path: "a\u0000b" } }],
  "a zero byte in a link": [{ name: "x", type: "symlink", pax: { linkpath: "a\u0000b" } }],
  "a zero byte in the name of a sparse file": [
    { name: "x", pax: { ...emptySparse, "GNU.sparse.name": "a\u0000b", "GNU.sparse.size": "0" } },
  ],
  "a zero byte in the name of an attribute": [
    { name: "x", pax: { "SCHILY.xattr.user.a\u0000b": "1" } },
  ],
  "a name of 256 bytes": [{ name: "n".repeat(256) }],
  "a path of 4096 bytes": [{ name: "n/".repeat(2048) }],
  "a link to nothing": [{ name: "x", type: "symlink", linkname: "" }],
  "a link to a path of 4096 bytes": [{ name: "x", type: "symlink", linkname: "n".repeat(4096) }],
  "an attribute of no name": [{ name: "x", pax: { "SCHILY.xattr.": "1" } }],
  "an attribute of 65537 bytes": [
    { name: "x", pax: { "SCHILY.xattr.user.a": "n".repeat(65_537) } },
  ],
  "capabilities that are none": [{ name: "x", pax: { "SCHILY.xattr.security.capability": "?" } }],
  "an owner below zero": [{ name: "x", pax: { uid: "-1" } }],
  "an owner of 33 bits": [{ name: "x", pax: { uid: String(2 ** 32) } }],
  "a PAX header of more than 1 MiB": [{ name: "x", pax: { comment: "n".repeat(1024 * 1024) } }],
  "a size below zero": [{ name: "x", pax: { size: "-1" } }],
  "a size past all numbers": [{ name: "x", pax: { size: "99999999999999999999" } }],
  "a sparse file of GNU tar's older format": [{ name: "x", type: { flag: "S" } }],
  "a part of a volume": [{ name: "x", type: { flag: "M" } }],
  "bytes that are no tar": Buffer.alloc(2048, "no tar "),
  "a header after zeros": Buffer.concat([Buffer.alloc(512), tarHeader({ name: "x" }, 0)]),
  "a directory that is no more": [{ name: "a/b/" }, { name: "a", content: "file" }],
};

for (const [what, content] of Object.entries(refused)) {
  test(`LayerExtractor refuses ${what}`, async (t) => {
    await assert.rejects(unpack(t, content), LayerFormatError);
  });
}

test("LayerExtractor refuses more entries, or larger files, than are allowed", async (t) => {
  const limits = { entriesMax: 2, tarSizeMax: 1000 };
  const small = { name: "a", content: "x".repeat(500) };
  await unpack(t, [small, small], { limits });
  await assert.rejects(unpack(t, [small, small, { name: "b" }], { limits }), LayerFormatError);
  await assert.rejects(unpack(t, [small, { name: "b", content: "x".repeat(501) }], { limits }), {
    name: "LayerFormatError",
    message: /files of more than 1000 bytes/,
  });
  const sparse = { name: "hole", pax: { ...emptySparse, "GNU.sparse.size": "1001" } };
  await assert.rejects(unpack(t, [sparse], { limits }), LayerFormatError);
});

test("LayerExtractor refuses more directories than it may remember", async (t) => {
  const deep = Array.from({ length: 2200 }, (_, index) => ({
    name: `${"d/".repeat(1990)}${index}/`,
  }));
  const implied = deep.map(({ name }) => ({ name: `${name}f` }));
  await assert.rejects(unpack(t, implied), {
    name: "LayerFormatError",
    message: /too many directories that nothing describes/,
  });
});

test("a stream may end where containerd lets it, and is cut off anywhere else", async (t) => {
  const tar = tarOf([{ name: "a", content: "x".repeat(600) }], { trailer: Buffer.alloc(0) });
  const whole = [0, 512 + 600, 512 + 1000, tar.length];
  const cut = [1, 511, 512, 513, 512 + 599];
  for (const length of whole) await unpack(t, Buffer.from(tar.subarray(0, length)));
  for (const length of cut) {
    await assert.rejects(unpack(t, Buffer.from(tar.subarray(0, length))), {
      name: "LayerFormatError",
      message: /cut off/,
    });
  }
  await unpack(t, Buffer.concat([tar, Buffer.alloc(512)]));
  await unpack(t, Buffer.concat([tar, Buffer.alloc(1024), Buffer.from("whatever follows")]));
  await assert.rejects(unpack(t, Buffer.concat([tar, Buffer.alloc(700)])), LayerFormatError);
});

test("the directory of a layer may itself be reached by a link", async (t) => {
  const root = emptyDirectory(t);
  const link = join(dirname(root), "link");
  symlinkSync(root, link);
  await unpack(t, [{ name: "a", content: "1" }], { root: link });
  assert.equal(readFileSync(join(root, "a"), "utf8"), "1");
});
