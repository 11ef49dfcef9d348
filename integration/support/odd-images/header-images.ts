import { layerFixture } from "../../../core/testing/layer-fixture.ts";
import {
  paxRecord,
  tarOf,
  type TarEntry,
  type TarPart,
} from "../../../core/testing/tar-fixture.ts";
import type { OddImage } from "./odd-image.ts";
import { editedEntry, signedChecksum, writeText } from "./tar-parts.ts";

const past = 1_500_000_000;

/** Octal digits of a time, as a header has them. */
function octalTime(seconds: number): string {
  return `${seconds.toString(8).padStart(11, "0")}\0`;
}

/** Headers of other times and programs, by what is where a name's first part may be. */
const formats: readonly TarPart[] = [
  ...editedEntry({ name: "gnu", mtime: past, content: "x" }, (header) => {
    writeText(header, "ustar  \0", "magic");
    // Times of access and change.
    header.write(octalTime(past + 100) + octalTime(past + 200), 345);
  }),
  ...editedEntry({ name: "gnu-read-before", mtime: past }, (header) => {
    writeText(header, "ustar  \0", "magic");
    header.write(octalTime(past - 100), 345);
  }),
  ...editedEntry({ name: "of-no-version", content: "x" }, (header) => {
    writeText(header, "ustar\0  ", "magic");
    header.write("prefix", 345);
  }),
  ...editedEntry({ name: "v7-without-prefix", content: "x" }, (header) => {
    writeText(header, "", "magic");
    header.write("no-prefix", 345);
  }),
];

const star: readonly TarPart[] = [
  ...editedEntry({ name: "star", mtime: past, content: "x" }, (header) => {
    header.write("prefix-of-star", 345);
    header.write(octalTime(past + 300) + octalTime(past + 400), 476);
    header.write("tar\0", 508);
  }),
];

const fields: readonly TarPart[] = [
  ...editedEntry({ name: "spaces" }, (header) => {
    header.write("  755  \0", 100);
    header.write(" 17 \0\0\0\0", 108);
    header.write("\0\0\0\0\0\0\0\0", 116);
  }),
  ...editedEntry({ name: "no-ends", uid: 3 }, (header) => {
    header.write("00000755", 100);
    header.write("00000017", 108);
    header.write("013132371100", 136);
  }),
  ...editedEntry({ name: "no-time" }, (header) => header.fill(0, 136, 148)),
  // What has no content has none, whatever its header tells.
  ...(["directory", "symlink", "fifo", "character-device"] as const).flatMap((type) =>
    editedEntry({ name: `sized-${type}`, type, linkname: "x" }, (header) =>
      header.write("00000001000", 124),
    ),
  ),
  { name: "linkname-of-a-file", linkname: "nothing", content: "x" },
  { name: "last", content: "last" },
];

/** An entry, and what a header of PAX in front of it holds. */
function paxEntry(entry: TarEntry, ...records: readonly (readonly [string, string])[]): TarPart[] {
  const content = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  return [{ name: "PaxHeaders/x", type: { flag: "x" }, content }, entry];
}

/** A file whose header has no room for its size, and says another. */
function paxSized(name: string, content: string): Uint8Array {
  const file = editedEntry({ name, content }, (header) => header.write("00000000000", 124));
  const [sizeRecord] = paxEntry({ name }, ["size", String(content.length)]);
  return tarOf(sizeRecord ? [sizeRecord, ...file] : file, { trailer: Buffer.alloc(0) });
}

const records: readonly TarPart[] = [
  paxSized("sized", "content of a file"),
  ...paxEntry({ name: "kept-by-empty-records", uid: 5 }, ["path", ""], ["uid", ""]),
  ...paxEntry({ name: "x", content: "x" }, ["path", "first"], ["path", "of-the-last"]),
  ...paxEntry({ name: "folder" }, ["path", "folder-by-slash/"]),
  ...paxEntry({ name: "x/", mode: 0o711 }, ["path", "folder-without-slash"]),
  ...paxEntry({ name: "x", type: "symlink", linkname: "header" }, ["linkpath", "record"]),
  // Of two headers in front of an entry the last one counts.
  ...paxEntry({ name: "x" }, ["path", "of-the-first"], ["uid", "7"]).slice(0, 1),
  ...paxEntry({ name: "by-two", content: "x" }, ["gid", "8"]),
  { name: "././@LongLink", type: { flag: "L" }, content: "by-long-link\0" },
  { name: "x", content: "x" },
  { name: "././@LongLink", type: { flag: "K" }, content: "long-target\0" },
  { name: "././@LongLink", type: { flag: "L" }, content: "by-both\0" },
  { name: "x", type: "symlink", linkname: "x" },
  { name: "././@LongLink", type: { flag: "L" }, content: "not-by-long-link\0" },
  ...paxEntry({ name: "x", content: "x" }, ["path", "by-pax"]),
  { name: "last", content: "last" },
];

export const headerImages: readonly OddImage[] = [
  { name: "headers of other formats", layers: () => [layerFixture(formats)] },
  { name: "fields that are written otherwise", layers: () => [layerFixture(fields)] },
  { name: "headers of star", layers: () => [layerFixture(star)], isLeft: true },
  {
    name: "a checksum of signed bytes",
    layers: () => [layerFixture([signedChecksum({ name: "s\xe9" })])],
    isLeft: true,
  },
  { name: "records in front of an entry", layers: () => [layerFixture(records)] },
];
