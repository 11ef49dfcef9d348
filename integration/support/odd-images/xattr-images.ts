import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import { paxRecord, type TarEntry, type TarPart } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";

/** An entry with extended attributes in the records of PAX that GNU tar has for them. */
export function withXattrs(
  entry: TarEntry,
  xattrs: Readonly<Record<string, string | Uint8Array>>,
): TarEntry {
  const records = Object.entries(xattrs).map(([key, value]) => [`SCHILY.xattr.${key}`, value]);
  return { ...entry, pax: Object.fromEntries(records) as Record<string, string | Uint8Array> };
}

/** `cap_setuid=ep`, whose bytes are no UTF-8, as a file has it on disk. */
const capability = Buffer.from("0100000280000000000000000000000000000000", "hex");

/** Access for the owner, a user 1000, the group, the mask and others. */
export const accessList = Buffer.from(
  "02000000" +
    "01000700ffffffff" +
    "02000600e8030000" +
    "04000500ffffffff" +
    "10000700ffffffff" +
    "20000400ffffffff",
  "hex",
);

/** Every byte there is, and what parsers of records stumble over. */
const allBytes = Buffer.concat([
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from("\n13 key=value\n=\0"),
]);

const ofAllTypes: readonly TarPart[] = [
  withXattrs({ name: "tool", content: "tool", mode: 0o755 }, { "security.capability": capability }),
  withXattrs(
    { name: "owned-tool", content: "tool", mode: 0o4755, uid: 5, gid: 6 },
    { "security.capability": capability },
  ),
  withXattrs({ name: "bytes" }, { "user.bytes": allBytes }),
  withXattrs({ name: "empty" }, { "user.empty": "" }),
  withXattrs({ name: "two" }, { "user.a": "1", "user.b": Buffer.from([0, 0xc3, 0x28]) }),
  withXattrs({ name: "ünï-\ud83d\udc1f" }, { "user.ключ": "знак" }),
  withXattrs({ name: "directory/" }, { "user.a": "of directory", "trusted.a": "never" }),
  withXattrs({ name: "trusted" }, { "trusted.overlay.opaque": "y", "user.kept": "y" }),
  withXattrs({ name: "trusted/" }, { "trusted.overlay.opaque": "y" }),
  withXattrs({ name: "unknown" }, { "nobody.knows": "x", plain: "x", "user.known": "x" }),
  withXattrs({ name: "link", type: "symlink", linkname: "tool" }, { "user.of-link": "x" }),
  withXattrs({ name: "label", type: "symlink", linkname: "tool" }, { "security.label": "x" }),
  withXattrs({ name: "fifo", type: "fifo" }, { "user.of-fifo": "x", "security.label": "x" }),
  withXattrs(
    { name: "null", type: "character-device", devmajor: 1, devminor: 3 },
    { "user.of-device": "x", "security.label": Buffer.from([0xff]) },
  ),
  withXattrs({ name: "same", type: "link", linkname: "bytes" }, { "user.by-link": "x" }),
  { name: "of-star", pax: { "SCHILY.xattr.user.pax": "x", "LIBARCHIVE.xattr.user.not": "eA==" } },
  {
    name: "other-records",
    pax: { "VENDOR.key": "value", comment: "a comment", "SCHILY.dev": "1" },
  },
];

const accessLists: readonly TarPart[] = [
  withXattrs({ name: "listed", mode: 0o674 }, { "system.posix_acl_access": accessList }),
  withXattrs({ name: "masked", mode: 0o640 }, { "system.posix_acl_access": accessList }),
  withXattrs({ name: "inherits/", mode: 0o750 }, { "system.posix_acl_default": accessList }),
  { name: "inherits/file", mode: 0o604, content: "x" },
  { name: "inherits/below/", mode: 0o711 },
  { name: "inherits/implied/deep/file", content: "x" },
  { name: "inherits/fifo", type: "fifo", mode: 0o600 },
];

/** What is known of an entry twice adds up for a directory, and is forgotten for all else. */
const repeated: readonly TarPart[] = [
  withXattrs({ name: "directory/", mode: 0o700 }, { "user.first": "1", "user.both": "1" }),
  withXattrs({ name: "directory/", mode: 0o755, uid: 3 }, { "user.both": "2" }),
  withXattrs({ name: "file", content: "1" }, { "user.first": "1" }),
  withXattrs({ name: "file", content: "2" }, { "user.second": "2" }),
];

const globalRecords = Buffer.concat([
  paxRecord("SCHILY.xattr.user.of-all", "x"),
  paxRecord("comment", "the commit"),
  paxRecord("uid", "7"),
]);

const global: readonly TarPart[] = [
  { name: "before" },
  { name: "pax_global_header", type: { flag: "g" }, content: globalRecords },
  { name: "after" },
];

export const xattrImages: readonly OddImage[] = [
  { name: "xattrs of all types", layers: () => [layerFixture(ofAllTypes)] },
  { name: "access control lists", layers: () => [layerFixture(accessLists)] },
  { name: "xattrs of repeated entries", layers: () => [layerFixture(repeated)] },
  { name: "global records, which are for nobody", layers: () => [layerFixture(global)] },
  {
    name: "xattrs above a bottom layer",
    layers: () => [layerFixture([{ name: "lower/" }]), layerFixture(ofAllTypes)],
  },
  {
    name: "a capability that is none",
    layers: () => [
      layerFixture([withXattrs({ name: "tool" }, { "security.capability": "nonsense" })]),
    ],
    isRefused: true,
  },
  {
    name: "an xattr larger than the file system takes",
    layers: () => [layerFixture([withXattrs({ name: "x" }, { "user.x": "x".repeat(70_000) })])],
    isRefused: true,
  },
];
