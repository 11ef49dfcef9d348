import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { type TarPart, tarOf } from "../testing/tar-fixture.ts";
import { LayerExtractor } from "./layer-extractor.ts";
import { defaultLayerLimits } from "./layer-limits.ts";
import {
  asRoot,
  attributeOf,
  emptyDirectory,
  modified,
  ownership,
  pathsIn,
  unpack,
} from "./unpacked-tree.test-support.ts";

test("LayerExtractor makes all kinds of files", asRoot, async (t) => {
  const { path, layer } = await unpack(t, [
    { name: "etc/", mode: 0o750, uid: 1, gid: 2 },
    { name: "etc/file", content: "hello", uid: 3, gid: 4 },
    { name: "etc/empty" },
    { name: "etc/link", type: "symlink", linkname: "../nowhere", uid: 5, gid: 6 },
    { name: "etc/hard", type: "link", linkname: "etc/file", uid: 3, gid: 4 },
    { name: "fifo", type: "fifo", mode: 0o600, uid: 7 },
    { name: "null", type: "character-device", devmajor: 1, devminor: 300, mode: 0o666 },
    { name: "disk", type: "block-device", devmajor: 259, devminor: 7, mode: 0o660, gid: 6 },
  ]);
  assert.equal(ownership(join(path, "etc")), "40750 1:2");
  assert.equal(ownership(join(path, "etc/file")), "100644 3:4");
  assert.equal(readFileSync(join(path, "etc/hard"), "utf8"), "hello");
  assert.equal(lstatSync(join(path, "etc/hard")).ino, lstatSync(join(path, "etc/file")).ino);
  assert.equal(readFileSync(join(path, "etc/empty"), "utf8"), "");
  assert.equal(readlinkSync(join(path, "etc/link")), "../nowhere");
  assert.equal(ownership(join(path, "etc/link")), "120777 5:6");
  assert.equal(ownership(join(path, "fifo")), "10600 7:0");
  assert.equal(ownership(join(path, "null")), "20666 0:0");
  assert.equal(lstatSync(join(path, "null")).rdev, deviceOf(1, 300));
  assert.equal(ownership(join(path, "disk")), "60660 0:6");
  assert.equal(lstatSync(join(path, "disk")).rdev, deviceOf(259, 7));
  assert.deepEqual(layer.impliedDirectories, []);
});

test("LayerExtractor keeps setuid, setgid and sticky bits with any owner", asRoot, async (t) => {
  const { path } = await unpack(t, [
    { name: "su", mode: 0o4755, uid: 10, content: "x" },
    { name: "group", mode: 0o2711, gid: 10 },
    { name: "own", mode: 0o4755 },
    { name: "tmp/", mode: 0o1777 },
    { name: "shared/", mode: 0o2775, gid: 20 },
    { name: "shared/file", mode: 0o640 },
    { name: "shared/sub/", mode: 0o755 },
    { name: "pipe", type: "fifo", mode: 0o4755, uid: 10 },
    { name: "again", type: "link", linkname: "su", mode: 0o4755, uid: 11 },
  ]);
  assert.equal(ownership(join(path, "su")), "104755 11:0");
  assert.equal(ownership(join(path, "group")), "102711 0:10");
  assert.equal(ownership(join(path, "own")), "104755 0:0");
  assert.equal(ownership(join(path, "tmp")), "41777 0:0");
  assert.equal(ownership(join(path, "shared")), "42775 0:20");
  assert.equal(ownership(join(path, "shared/file")), "100640 0:0");
  assert.equal(ownership(join(path, "shared/sub")), "40755 0:0");
  assert.equal(ownership(join(path, "pipe")), "14755 10:0");
});

test("LayerExtractor sets times to the nanosecond, of directories after all that is in them", async (t) => {
  const { path } = await unpack(t, [
    { name: "d/", pax: { mtime: "1000000000.000000001" } },
    { name: "d/e/", mtime: 2 },
    { name: "d/file", pax: { mtime: "1600000000.123456789123", atime: "1700000000.5" } },
    { name: "d/link", type: "symlink", linkname: "x", pax: { mtime: "3.25" } },
    { name: "d/e/old", pax: { mtime: "-1.5" } },
    { name: "d/e/late", pax: { mtime: "9300000000" } },
  ]);
  assert.equal(modified(join(path, "d")), 1_000_000_000_000_000_001n);
  assert.equal(modified(join(path, "d/e")), 2_000_000_000n);
  assert.equal(modified(join(path, "d/file")), 1_600_000_000_123_456_789n);
  assert.equal(statSync(join(path, "d/file")).atimeMs, 1_700_000_000_500);
  assert.equal(modified(join(path, "d/link")), 3_250_000_000n);
  assert.equal(modified(join(path, "d/e/old")), 0n);
  assert.equal(modified(join(path, "d/e/late")), 0n);
});

/** cap_setuid, as on newuidmap: a byte of it is no UTF-8. */
const capability = Buffer.from("0100000280000000000000000000000000000000", "hex");

test("LayerExtractor sets extended attributes of any bytes", asRoot, async (t) => {
  const pax = { "SCHILY.xattr.security.capability": capability };
  const { path } = await unpack(t, [
    { name: "tool", mode: 0o755, uid: 3, content: "x", pax },
    { name: "d/", pax: { "SCHILY.xattr.user.empty": "", "SCHILY.xattr.user.a": "1" } },
    { name: "pipe", type: "fifo", pax: { "SCHILY.xattr.user.a": "1" } },
    { name: "other", pax: { "SCHILY.xattr.none.such": "1" } },
  ]);
  assert.deepEqual(attributeOf(join(path, "tool"), "security.capability"), capability);
  assert.deepEqual(attributeOf(join(path, "d"), "user.empty"), Buffer.alloc(0));
  assert.deepEqual(attributeOf(join(path, "d"), "user.a"), Buffer.from("1"));
});

test(
  "LayerExtractor lets no layer set attributes that tell overlayfs what to do",
  asRoot,
  async (t) => {
    const pax = { "SCHILY.xattr.trusted.overlay.redirect": "/etc" };
    const { path } = await unpack(t, [{ name: "d/", pax }]);
    assert.equal(attributeOf(join(path, "d"), "trusted.overlay.redirect"), undefined);
  },
);

test(
  "LayerExtractor takes capabilities from a file when a hard link says nothing of them",
  asRoot,
  async (t) => {
    const pax = { "SCHILY.xattr.security.capability": capability };
    const { path } = await unpack(t, [
      { name: "tool", mode: 0o755, pax },
      { name: "same", mode: 0o755, type: "link", linkname: "tool" },
    ]);
    assert.equal(attributeOf(join(path, "tool"), "security.capability"), undefined);
  },
);

test("LayerExtractor keeps names that are no text", async (t) => {
  const name = Buffer.from("616cff2f80", "hex");
  const { path } = await unpack(t, [
    { name: "short", pax: { path: name } },
    { name: "s", type: "symlink", pax: { linkpath: name } },
    { name: "h", type: "link", pax: { linkpath: name } },
  ]);
  const folder = Buffer.concat([Buffer.from(path), Buffer.from("/"), name.subarray(0, 3)]);
  assert.deepEqual(readdirSync(folder, { encoding: "buffer" }), [name.subarray(4)]);
  assert.deepEqual(readlinkSync(join(path, "s"), { encoding: "buffer" }), name);
});

test("LayerExtractor makes directories that no entry describes, and says which", async (t) => {
  const { path, layer } = await unpack(t, [
    { name: "a/b/c/file" },
    { name: "a/b/" },
    { name: "x/.wh.gone" },
    { name: "a/d/e/", mode: 0o2777 },
    { name: "a/d/e/f/file" },
  ]);
  assert.deepEqual(layer.impliedDirectories, ["a", "a/b/c", "a/d", "a/d/e/f", "x"]);
  assert.equal(lstatSync(join(path, "a/d")).mode, 0o40755);
  assert.equal(lstatSync(join(path, "a/d/e/f")).mode, 0o40755);
});

test("LayerExtractor writes sparse files with their holes, at the end too", async (t) => {
  const pax = {
    "GNU.sparse.major": "0",
    "GNU.sparse.minor": "1",
    "GNU.sparse.size": "50000000",
    "GNU.sparse.numblocks": "1",
    "GNU.sparse.map": "40000000,4",
  };
  const { path, layer } = await unpack(t, [{ name: "sparse", content: "data", pax }]);
  const content = readFileSync(join(path, "sparse"));
  assert.equal(content.length, 50_000_000);
  assert.equal(content.indexOf("data"), 40_000_000);
  assert.ok(layer.usage.size < 1_000_000, `${layer.usage.size} bytes on disk`);
});

test("LayerExtractor replaces what has the name of an entry, but keeps directories", async (t) => {
  const { path, layer } = await unpack(t, [
    { name: "twice", content: "first and longer" },
    { name: "other", type: "link", linkname: "twice" },
    { name: "twice", content: "second" },
    { name: "file" },
    { name: "file/", mode: 0o711 },
    { name: "file/in", content: "x" },
    { name: "file/", mode: 0o700 },
    { name: "dir/", mtime: 5 },
    { name: "dir/sub/deep/file", content: Buffer.alloc(10_000) },
    { name: "dir", content: "now a file" },
    { name: "link", type: "symlink", linkname: "file" },
    { name: "link", content: "not through it" },
  ]);
  assert.equal(readFileSync(join(path, "twice"), "utf8"), "second");
  assert.equal(readFileSync(join(path, "other"), "utf8"), "first and longer");
  assert.equal(lstatSync(join(path, "file")).mode, 0o40700);
  assert.equal(readFileSync(join(path, "file/in"), "utf8"), "x");
  assert.equal(readFileSync(join(path, "link"), "utf8"), "not through it");
  assert.equal(readFileSync(join(path, "dir"), "utf8"), "now a file");
  assert.equal(
    modified(join(path, "dir")),
    5_000_000_000n,
    "containerd's takes it from the directory",
  );
  assert.equal(layer.usage.size, diskUsage(path));
});

test("LayerExtractor counts what a layer takes as du does", asRoot, async (t) => {
  const parts: TarPart[] = [{ name: "d/" }];
  for (let index = 0; index < 300; index++) {
    parts.push({ name: `d/${index}/file`, content: Buffer.alloc(index * 100, 1) });
    parts.push({ name: `d/${index}/link`, type: "link", linkname: `d/${index}/file` });
    parts.push({ name: `s${index}`, type: "symlink", linkname: "x".repeat(90) });
    parts.push({ name: `.wh.w${index}` });
  }
  const { path, layer } = await unpack(t, parts);
  assert.equal(layer.usage.size, diskUsage(path));
  assert.equal(layer.usage.inodes, 1 + 1 + 300 * 4);
});

test("LayerExtractor takes chunks of any length", async (t) => {
  const parts: TarPart[] = [
    { name: `${"n".repeat(150)}/file`, content: "x".repeat(1300) },
    { name: "b", content: "y" },
  ];
  for (const chunkLength of [1, 7, 511, 512, 513, 100_000]) {
    const { path } = await unpack(t, parts, { chunkLength });
    assert.deepEqual(pathsIn(path), ["b", "n".repeat(150), `${"n".repeat(150)}/file`]);
    assert.equal(readFileSync(join(path, "b"), "utf8"), "y");
    assert.equal(readFileSync(join(path, "n".repeat(150), "file"), "utf8"), "x".repeat(1300));
  }
});

test("LayerExtractor takes layers with nothing in them", async (t) => {
  for (const content of [tarOf([]), Buffer.alloc(0), tarOf([{ name: "./" }, { name: "/" }])]) {
    const { path, layer } = await unpack(t, content);
    assert.deepEqual(pathsIn(path), []);
    assert.equal(layer.usage.inodes, 1);
  }
});

test("LayerExtractor tells how far it is", async (t) => {
  const extractor = new LayerExtractor({ root: emptyDirectory(t), limits: defaultLayerLimits });
  const tar = tarOf([
    { name: "a", content: Buffer.alloc(600) },
    { name: "b", content: "12" },
  ]);
  extractor.write(tar.subarray(0, 1000));
  assert.deepEqual([extractor.entries, extractor.bytesWritten], [1, 488]);
  extractor.write(tar.subarray(1000));
  assert.deepEqual([extractor.entries, extractor.bytesWritten], [2, 602]);
  await extractor.end();
});

test("LayerExtractor leaves no file open, however it ends", async (t) => {
  const many = Array.from({ length: 200 }, (_, index) => ({ name: `d${index}/e/f`, content: "x" }));
  const openBefore = readdirSync("/proc/self/fd").length;
  await unpack(t, many);
  await assert.rejects(unpack(t, tarOf(many, { trailer: Buffer.alloc(100) })), LayerFormatError);
  await assert.rejects(unpack(t, [...many, { name: "x", type: "contiguous" }]), LayerFormatError);
  await assert.rejects(unpack(t, tarOf(many).subarray(0, -3 * 512)), LayerFormatError);
  assert.equal(readdirSync("/proc/self/fd").length, openBefore);
});

/** What du says, in bytes. */
function diskUsage(path: string): number {
  const output = execFileSync("du", ["--block-size=1", "-s", path], { encoding: "utf8" });
  return Number(output.split("\t")[0]);
}

/** A device number as stat(2) gives it. @see sys/sysmacros.h, makedev */
function deviceOf(major: number, minor: number): number {
  return (minor & 0xff) + (major << 8) + (minor >> 8) * 2 ** 20;
}
