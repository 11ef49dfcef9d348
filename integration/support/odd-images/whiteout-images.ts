import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import type { TarPart } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";

const past = 1_500_000_000;

const lower: readonly TarPart[] = [
  { name: "folder/", mode: 0o711, uid: 1, gid: 2, mtime: past },
  { name: "folder/file", content: "x" },
  { name: "folder/other", content: "x" },
  { name: "opaque/", mode: 0o700, uid: 3, mtime: past },
  { name: "opaque/file", content: "x" },
  { name: "link", type: "symlink", linkname: "folder" },
];

const upper: readonly TarPart[] = [
  { name: "folder/.wh.file", uid: 4, gid: 5, mode: 0o644, mtime: past },
  { name: ".wh.link" },
  { name: ".wh.never-was-there" },
  { name: "implied/.wh.deep" },
  { name: "opaque/", mode: 0o755, mtime: past },
  { name: "opaque/.wh..wh..opq", mtime: past },
  { name: "opaque/new", content: "x" },
  { name: "later-opaque/file", content: "x" },
  { name: "later-opaque/.wh..wh..opq" },
  { name: "opaque-and-implied/.wh..wh..opq", uid: 6 },
  { name: "with-xattrs/.wh.file", pax: { "SCHILY.xattr.user.x": "x" } },
  { name: "of-type/.wh.folder/" },
  { name: "of-type/.wh.link", type: "symlink", linkname: "x" },
  { name: "of-type/.wh.full", content: "whatever" },
  { name: "again/.wh.file" },
  { name: "again/file", content: "is back", mtime: past },
  { name: "again-as-folder/.wh.file" },
  { name: "again-as-folder/file/", mode: 0o700 },
  { name: "again-as-folder/file/in", content: "x" },
  { name: "way", type: "symlink", linkname: "folder" },
  { name: "way/.wh.other" },
  { name: "twice-opaque/.wh..wh..opq" },
  { name: "twice-opaque/.wh..wh..opq" },
  { name: "opaque-replaced/.wh..wh..opq" },
  { name: "opaque-replaced", content: "now a file" },
  { name: ".wh..wh.plnk/" },
  { name: ".wh..wh.orph", content: "x" },
  { name: "linked/.wh.name", type: "link", linkname: "again/file" },
];

/** In the bottom layer there is nothing to hide: what it has already goes. */
const bottom: readonly TarPart[] = [
  { name: "folder/", mode: 0o711, mtime: past },
  { name: "folder/file", content: "x" },
  { name: "folder/kept", content: "x" },
  { name: "folder/.wh.file" },
  { name: "folder/.wh.never-was-there" },
  { name: "gone/deep/file", content: "x" },
  { name: ".wh.gone" },
  { name: "implied/.wh.file" },
  { name: "opaque/before", content: "x" },
  { name: "opaque/implied/before", content: "x" },
  { name: "opaque/.wh..wh..opq" },
  { name: "opaque/after", content: "x" },
  { name: "again", content: "first" },
  { name: ".wh.again" },
  { name: "again", content: "second" },
];

export const whiteoutImages: readonly OddImage[] = [
  { name: "whiteouts", layers: () => [layerFixture(lower), layerFixture(upper)] },
  { name: "whiteouts in a bottom layer", layers: () => [layerFixture(bottom)] },
  {
    name: "an opaque root",
    layers: () => [
      layerFixture(lower),
      layerFixture([{ name: ".wh..wh..opq" }, { name: "new", content: "x" }]),
    ],
  },
  {
    name: "an opaque root of a bottom layer",
    layers: () => [layerFixture([{ name: "old", content: "x" }, { name: ".wh..wh..opq" }])],
  },
  {
    name: "a whiteout of what is in the same layer",
    layers: () => [layerFixture(lower), layerFixture([{ name: "new" }, { name: ".wh.new" }])],
    isRefused: true,
  },
  {
    name: "a whiteout twice",
    layers: () => [layerFixture(lower), layerFixture([{ name: ".wh.link" }, { name: ".wh.link" }])],
    isRefused: true,
  },
  ...["", ".", ".."].map((hidden): OddImage => {
    return {
      name: `a whiteout of ${JSON.stringify(hidden)}`,
      layers: () => [layerFixture(lower), layerFixture([{ name: `folder/.wh.${hidden}` }])],
      isRefused: true,
    };
  }),
];
