import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import type { TarPart } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";
import { editedEntry, writeBase256, writeText } from "./tar-parts.ts";

const past = 1_500_000_000;

const typesAndModes: readonly TarPart[] = [
  { name: "dirs/", mode: 0o755, mtime: past },
  ...[0o700, 0o1777, 0o2755, 0o4755, 0o6711, 0o000, 0o7777].flatMap((mode): TarPart[] => [
    { name: `dirs/${mode.toString(8)}/`, mode, uid: 7, gid: 8, mtime: past },
    { name: `dirs/${mode.toString(8)}/file`, mode, uid: 9, gid: 10, content: "x", mtime: past },
  ]),
  { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666, mtime: past },
  { name: "loop", type: "block-device", devmajor: 7, devminor: 2, mode: 0o4660, gid: 6 },
  { name: "far", type: "block-device", devmajor: 4095, devminor: 1048575, mode: 0o600 },
  { name: "not-a-whiteout", type: "block-device", mode: 0o600 },
  { name: "as-a-whiteout", type: "character-device", mode: 0o644, uid: 5, mtime: past },
  { name: "fifo", type: "fifo", mode: 0o622, uid: 11, gid: 12, mtime: past },
  { name: "there", type: "symlink", linkname: "dirs/700", uid: 13, gid: 14, mtime: past },
  { name: "absolute", type: "symlink", linkname: "/etc/passwd", mode: 0o777 },
  { name: "nowhere", type: "symlink", linkname: "no/such/file" },
  { name: "round", type: "symlink", linkname: "round" },
  { name: "long", type: "symlink", linkname: `${"a/".repeat(1000)}b` },
  { name: "empty", content: "" },
  { name: "block", content: "b".repeat(512) },
  { name: "more", content: "m".repeat(513) },
];

const owners: readonly TarPart[] = [
  { name: "large", uid: 4_000_000_000, gid: 4_000_000_001, content: "x" },
  { name: "large-link", type: "symlink", linkname: "large", uid: 4_000_000_000, gid: 1 },
  ...editedEntry({ name: "base-256", content: "x" }, (header) => {
    writeBase256(header, 3_000_000_000n, "uid");
    writeBase256(header, 3_000_000_001n, "gid");
    writeBase256(header, 1n, "size");
    writeBase256(header, BigInt(past), "mtime");
  }),
  ...editedEntry({ name: "mode-with-type" }, (header) => writeText(header, "0104755\0", "mode")),
  ...editedEntry({ name: "v7" }, (header) => {
    writeText(header, "", "magic");
    header[156] = 0;
  }),
  ...editedEntry({ name: "v7-directory/" }, (header) => {
    writeText(header, "", "magic");
    header[156] = 0;
  }),
  { name: "names", uid: 1, gid: 2, pax: { uname: "daemon", gname: "bin", uid: "77", gid: "78" } },
  { name: "user-of-pax", pax: { uname: "www-data", gname: "www-data" } },
];

const hardLinks: readonly TarPart[] = [
  { name: "a/", mtime: past },
  { name: "a/file", content: "shared", mode: 0o600, mtime: past },
  { name: "link-to-file", type: "link", linkname: "a/file", mode: 0o600, mtime: past },
  { name: "a/symlink", type: "symlink", linkname: "file", mtime: past },
  { name: "link-to-symlink", type: "link", linkname: "a/symlink", mtime: past },
  { name: "a/fifo", type: "fifo" },
  { name: "link-to-fifo", type: "link", linkname: "./a/fifo" },
  { name: "a/null", type: "character-device", devmajor: 1, devminor: 3 },
  { name: "link-to-device", type: "link", linkname: "/a/null", mode: 0o600 },
  { name: "link-to-link", type: "link", linkname: "link-to-file", mode: 0o4711, uid: 3, gid: 4 },
  { name: "way", type: "symlink", linkname: "a" },
  { name: "link-by-a-symlink", type: "link", linkname: "way/file", mtime: past + 1 },
  { name: "replaced", content: "first", mtime: past },
  { name: "keeps-the-first", type: "link", linkname: "replaced", mtime: past },
  { name: "replaced", content: "second", mtime: past },
  { name: "has-the-second", type: "link", linkname: "replaced", mtime: past },
  { name: "out", type: "link", linkname: "../../a/file", mtime: past },
  // A link has no data, whatever size its header tells.
  ...editedEntry({ name: "sized", type: "link", linkname: "a/file" }, (header) =>
    header.write("00000000006", 124),
  ),
  { name: "after", content: "after" },
];

/** What a record of PAX may hold for a time. */
const paxTimes = [
  ...["1500000000.123456789", "1500000000.1", "1500000000.000000001", "1500000000.1234567891234"],
  ...["1500000000.", "0", "0.5", "-1", "-1.5", "4102444800.25", "9223372036", "9223372037.5"],
];

const times: readonly TarPart[] = [
  ...paxTimes.flatMap((mtime, index): TarPart[] => [
    { name: `${index}/`, pax: { mtime } },
    { name: `${index}/file`, content: "x", pax: { mtime } },
    { name: `${index}/link`, type: "symlink", linkname: "file", pax: { mtime } },
    { name: `${index}/fifo`, type: "fifo", pax: { mtime } },
  ]),
  { name: "read-later", pax: { mtime: "1500000000.5", atime: "1600000000.75", ctime: "1" } },
  { name: "read-before", pax: { mtime: "1500000000.5", atime: "1400000000.75" } },
  { name: "read-only", mtime: past, pax: { atime: "1600000000.000000001" } },
  ...editedEntry({ name: "before-1970" }, (header) => writeBase256(header, -86_400n, "mtime")),
  ...editedEntry({ name: "far-away" }, (header) => writeBase256(header, 1n << 40n, "mtime")),
];

const recordsAtTheEnd: readonly TarPart[] = [
  { name: "file", content: "x" },
  // An empty name is that of the root, of which no entry tells anything.
  ...editedEntry({ name: "x", mode: 0o700 }, (header) => writeText(header, "", "name")),
  { name: "PaxHeaders/x", type: { flag: "x" }, content: "10 path=x\n" },
];

export const entryImages: readonly OddImage[] = [
  { name: "types and modes", layers: () => [layerFixture(typesAndModes)] },
  { name: "owners", layers: () => [layerFixture(owners)] },
  { name: "hard links", layers: () => [layerFixture(hardLinks)] },
  { name: "times", layers: () => [layerFixture(times)] },
  { name: "records that no entry follows", layers: () => [layerFixture(recordsAtTheEnd)] },
];
