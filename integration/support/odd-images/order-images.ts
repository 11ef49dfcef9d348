import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import type { TarPart } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";
import { accessList, withXattrs } from "./xattr-images.ts";

const past = 1_500_000_000;

const childrenFirst: readonly TarPart[] = [
  { name: "late/deep/file", content: "x", mtime: past },
  { name: "late/deep/", mode: 0o700, uid: 1, gid: 2, mtime: past, pax: { mtime: "1500000000.5" } },
  { name: "late/", mode: 0o2711, uid: 3, mtime: past },
  { name: "never/deep/file", content: "x", mtime: past },
  { name: "early/", mtime: past },
  { name: "early/file", content: "x" },
  { name: "early/", mode: 0o700, mtime: past + 1 },
  // What is made in it belongs to its group, but for an entry of its own.
  { name: "group/", mode: 0o2775, gid: 50, mtime: past },
  { name: "group/implied/file", content: "x" },
  { name: "group/own/", gid: 51 },
  { name: "group/file", content: "x" },
];

const lowest: readonly TarPart[] = [
  { name: "usr/", mode: 0o711, uid: 1, gid: 2, mtime: past },
  { name: "usr/lib/", mode: 0o2750, uid: 3, gid: 4, pax: { "SCHILY.xattr.user.x": "low" } },
  { name: "usr/lib/deep/", mode: 0o1777, uid: 5, gid: 6, mtime: past },
  { name: "lib", type: "symlink", linkname: "usr/lib" },
  { name: "absolute", type: "symlink", linkname: "/usr/lib" },
  { name: "out", type: "symlink", linkname: "../../../../usr" },
  { name: "nowhere", type: "symlink", linkname: "no/such/place" },
  { name: "file", content: "x" },
  { name: "removed/", mode: 0o700, uid: 9 },
  { name: "opaque/below/", mode: 0o700, uid: 9 },
  { name: "only-lowest/", mode: 0o701, uid: 10, pax: { mtime: "1500000000.25" } },
];

const middle: readonly TarPart[] = [
  { name: "usr/lib/deep/", mode: 0o3775, uid: 7, gid: 8, pax: { "SCHILY.xattr.user.y": "mid" } },
  { name: ".wh.removed" },
  { name: "opaque/" },
  { name: "opaque/.wh..wh..opq" },
];

/** Nothing of these folders but what is in them is in the layer. */
const highest: readonly TarPart[] = [
  { name: "usr/lib/deep/file", content: "x" },
  { name: "usr/lib/other/file", content: "x" },
  { name: "lib/module", content: "x" },
  { name: "lib/deep/module", content: "x" },
  { name: "absolute/module", content: "x" },
  { name: "out/module", content: "x" },
  { name: "nowhere/module", content: "x" },
  { name: "file/module", content: "x" },
  { name: "removed/file", content: "x" },
  { name: "opaque/below/file", content: "x" },
  { name: "only-lowest/file", content: "x" },
];

/** Folders of layers below that get an entry later, or one that is taken away. */
const highestWithEntries: readonly TarPart[] = [
  { name: "usr/file", content: "x" },
  { name: "usr/", mode: 0o755, uid: 0, mtime: past },
  { name: "only-lowest/file", content: "x" },
  { name: "only-lowest", content: "a file now" },
  { name: "usr/lib/.wh.other" },
  { name: "removed/.wh.nothing" },
];

const withDefaults: readonly TarPart[] = [
  withXattrs({ name: "d/" }, { "system.posix_acl_default": accessList }),
];

/** What the kernel makes of the default list for what is made below, in hex. */
const listsByDefault = {
  ofFolder:
    "0200000001000700ffffffff02000600e803000004000500ffffffff10000500ffffffff20000500ffffffff",
  ofFile:
    "0200000001000600ffffffff02000600e803000004000500ffffffff10000400ffffffff20000400ffffffff",
};

const throughSymlinks: readonly TarPart[] = [
  { name: "real/", mtime: past },
  { name: "relative", type: "symlink", linkname: "real", mtime: past },
  { name: "relative/one", content: "1" },
  { name: "absolute", type: "symlink", linkname: "/real" },
  { name: "absolute/two", content: "2" },
  { name: "above", type: "symlink", linkname: "../../../real" },
  { name: "above/three", content: "3" },
  { name: "chain", type: "symlink", linkname: "relative/../above" },
  { name: "chain/four", content: "4" },
  { name: "not-yet", type: "symlink", linkname: "later/made" },
  { name: "not-yet/five", content: "5" },
  { name: "relative/folder/", mode: 0o700, mtime: past },
  { name: "relative/link", type: "link", linkname: "absolute/two" },
  { name: "to-be-replaced", type: "symlink", linkname: "real" },
  { name: "to-be-replaced/", mode: 0o711, mtime: past },
  { name: "to-be-replaced/six", content: "6" },
];

const replaced: readonly TarPart[] = [
  { name: "file-to-directory", content: "x" },
  { name: "file-to-directory/", mode: 0o700 },
  { name: "file-to-directory/in", content: "x" },
  { name: "directory-to-file/", mode: 0o700, mtime: past },
  { name: "directory-to-file/deep/file", content: "x" },
  { name: "directory-to-file", content: "y", mtime: past + 1 },
  { name: "directory-to-symlink/", mtime: past },
  { name: "directory-to-symlink/in", content: "x" },
  { name: "directory-to-symlink", type: "symlink", linkname: "target", mtime: past + 1 },
  { name: "target/", mtime: past + 2 },
  // What is at the place of a folder in the end gets the time of the folder.
  { name: "early-target/", mtime: past + 2 },
  { name: "directory-to-early/", mtime: past },
  { name: "directory-to-early", type: "symlink", linkname: "early-target", mtime: past + 1 },
  { name: "symlink-to-file", type: "symlink", linkname: "target/not-to-be-written" },
  { name: "symlink-to-file", content: "z" },
  { name: "file-to-fifo", content: "x", mode: 0o4755 },
  { name: "file-to-fifo", type: "fifo", mode: 0o600 },
  { name: "fifo-to-file", type: "fifo" },
  { name: "fifo-to-file", content: "x" },
  { name: "twice", content: "a longer first content", mode: 0o600, mtime: past },
  { name: "twice", content: "second", mtime: past + 1 },
  { name: "link-to-file", type: "link", linkname: "twice" },
  { name: "link-to-file", content: "a copy", mode: 0o600 },
  { name: "directory-of-links/", mode: 0o700 },
  { name: "directory-of-links/a", content: "a" },
  { name: "kept", type: "link", linkname: "directory-of-links/a" },
  { name: "directory-of-links", type: "symlink", linkname: "kept" },
];

export const orderImages: readonly OddImage[] = [
  { name: "entries before their folder", layers: () => [layerFixture(childrenFirst)] },
  { name: "entries through symlinks", layers: () => [layerFixture(throughSymlinks)] },
  {
    name: "entries through symlinks above a bottom layer",
    layers: () => [layerFixture([{ name: "x" }]), layerFixture(throughSymlinks)],
  },
  { name: "entries that replace others", layers: () => [layerFixture(replaced)] },
  {
    name: "folders of layers below",
    layers: () => [layerFixture(lowest), layerFixture(middle), layerFixture(highest)],
  },
  {
    name: "folders of layers below that get entries of their own",
    layers: () => [layerFixture(lowest), layerFixture(middle), layerFixture(highestWithEntries)],
  },
  {
    name: "a folder with an xattr in a layer below, which its late entry does not have",
    layers: () => [
      layerFixture(lowest),
      layerFixture([{ name: "usr/lib/file" }, { name: "usr/lib/", mode: 0o711, mtime: past }]),
    ],
    // An entry says all of what it describes, before what is in it or after. containerd mixes it
    // with what is below when it comes after.
    differences: ['usr/lib: xattr user.x is not there, should be "6c6f77"'],
  },
  {
    name: "a folder with a default access list in a layer below",
    layers: () => [layerFixture(withDefaults), layerFixture([{ name: "d/in/file" }])],
    // The list is for files that are made there later, not for those that the layer has.
    differences: [
      `d/in: xattr system.posix_acl_access is not there, should be "${listsByDefault.ofFolder}"`,
      `d/in: xattr system.posix_acl_default is not there, should be "${accessList.toString("hex")}"`,
      `d/in/file: xattr system.posix_acl_access is not there, should be "${listsByDefault.ofFile}"`,
    ],
  },
  {
    name: "an entry in what is a file",
    layers: () => [layerFixture([{ name: "file" }, { name: "file/in" }])],
    isRefused: true,
  },
  {
    name: "an entry through symlinks that go round",
    layers: () => [
      layerFixture([{ name: "round", type: "symlink", linkname: "round" }, { name: "round/in" }]),
    ],
    isRefused: true,
  },
];
