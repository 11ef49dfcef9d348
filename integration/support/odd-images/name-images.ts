import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import type { TarPart } from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";
import { editedEntry, writeText } from "./tar-parts.ts";
import { gnuTar } from "./gnu-tar.ts";

const past = 1_500_000_000;

/** Bytes that are no UTF-8. */
const noText = Buffer.from([0x6e, 0xff, 0xfe, 0x80]);

const ways: readonly TarPart[] = [
  { name: "./", mode: 0o700, uid: 1, mtime: past },
  { name: "./dot/", mtime: past },
  { name: "./dot/file", content: "1", mtime: past },
  { name: "dot/./same", type: "link", linkname: "./dot//file", mtime: past },
  { name: "/absolute/file", content: "2" },
  { name: "double//slash//file", content: "3" },
  { name: "there/../back", content: "4" },
  { name: "../above", content: "5" },
  { name: "../../../etc/above", content: "6" },
  { name: "dot/../../dot/below", content: "7" },
  { name: "no-slash", type: "directory", mode: 0o711, mtime: past },
  { name: "slash/", type: "file", content: "8" },
  { name: "link-with-slash/", type: "symlink", linkname: "dot/" },
  { name: "...", content: "9" },
  { name: ".hidden/..data/file", content: "10" },
  { name: " leading and trailing ", content: "11" },
  { name: "new\nline and \\ and \t", content: "12" },
  { name: "-rf", content: "13" },
  { name: ".wh", content: "no whiteout" },
  { name: "a.wh.b", content: "no whiteout" },
];

const longest = "n".repeat(255);

const long: readonly TarPart[] = [
  { name: longest, content: "longest" },
  { name: "n".repeat(100), content: "fits a header" },
  { name: `${"d/".repeat(100)}deep`, content: "deep" },
  { name: `p/${longest}/${longest}/`, mode: 0o700, mtime: past },
  { name: `p/${longest}/${longest}/file`, content: "x", mtime: past },
  { name: "to-long", type: "link", linkname: `p/${longest}/${longest}/file`, mtime: past },
  { name: "way-to-long", type: "symlink", linkname: `p/${longest}/${longest}/file` },
  ...editedEntry({ name: "x", content: "by prefix" }, (header) => {
    writeText(header, "e".repeat(100), "name");
    writeText(header, `prefix/${"f".repeat(148)}`, "prefix");
  }),
  ...editedEntry({ name: "full", type: "symlink" }, (header) => {
    writeText(header, "l".repeat(100), "linkname");
  }),
];

const notText: readonly TarPart[] = [
  ...editedEntry({ name: "x", content: "of a header" }, (header) =>
    writeText(header, noText, "name"),
  ),
  ...editedEntry({ name: "link-of-header", type: "symlink" }, (header) =>
    writeText(header, noText, "linkname"),
  ),
  { name: "x", pax: { path: Buffer.concat([Buffer.from("pax-"), noText]) }, content: "of PAX" },
  { name: "link-of-pax", type: "symlink", pax: { linkpath: noText } },
  {
    name: "hard-link",
    type: "link",
    pax: { linkpath: Buffer.concat([Buffer.from("pax-"), noText]) },
  },
  {
    name: "x",
    pax: { hdrcharset: "BINARY", path: Buffer.concat([noText, noText]) },
    content: "charset",
  },
  { name: "latin-ü", content: "UTF-8" },
  { name: "combining-u\u0308", content: "not normalised" },
];

/** Names that only GNU tar's own headers have room for, and links to such. */
const gnuNames = `
  name=$(printf 'g%.0s' $(seq 200))
  mkdir -p "$name/$name"
  echo content > "$name/$name/file"
  ln "$name/$name/file" "$name/$name/hard"
  ln -s "$name/$name/file" soft
  find . -exec touch --no-dereference --date @${past} '{}' +
`;

export const nameImages: readonly OddImage[] = [
  { name: "ways to write a name", layers: () => [layerFixture(ways)] },
  {
    name: "ways to write a name, above a bottom layer",
    layers: () => [layerFixture([{ name: "dot/", mode: 0o711 }]), layerFixture(ways)],
  },
  { name: "long names", layers: () => [layerFixture(long)] },
  { name: "names that are no text", layers: () => [layerFixture(notText)] },
  {
    name: "long names of GNU tar",
    layers: () => [layerFixture(gnuTar(gnuNames, ["--format=gnu"]))],
  },
  {
    name: "a name longer than Linux takes",
    layers: () => [layerFixture([{ name: "n".repeat(256) }])],
    isRefused: true,
  },
];
