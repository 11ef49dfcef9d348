import { gzipSync, zstdCompressSync } from "node:zlib";

import {
  layerFixture,
  layerFixtureOf,
  type LayerFixture,
} from "../../../core/testing/layer-fixture.ts";
import { tarOf, type TarPart } from "../../../core/testing/tar-fixture.ts";
import { imageMediaTypes } from "../image-media-types.ts";
import type { OddImage } from "./odd-image.ts";
import { editedEntry } from "./tar-parts.ts";

const { gzip, zstd } = imageMediaTypes.oci.layer;

const file: TarPart = { name: "file", content: "content".repeat(1000) };

const tar = tarOf([file, { name: "last", content: "last" }]);

function refused(name: string, ...layers: readonly LayerFixture[]): OddImage {
  return { name, layers: () => layers, isRefused: true };
}

function cut(parts: readonly TarPart[], length: number): LayerFixture {
  return layerFixture(tarOf(parts).subarray(0, length));
}

function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy[index] = (copy[index] ?? 0) ^ 0xff;
  return copy;
}

function pax(records: string | Buffer): readonly TarPart[] {
  return [{ name: "PaxHeaders/x", type: { flag: "x" }, content: records }, { name: "x" }];
}

export const brokenImages: readonly OddImage[] = [
  refused("cut off in a header", cut([file], 300)),
  refused("cut off in a content", cut([file], 512 + 5000)),
  refused("cut off in a record of PAX", cut(pax("20 path=something\n"), 512 + 10)),
  refused("half an end, then more", layerFixture(tarOf([file, Buffer.alloc(512), { name: "x" }]))),
  refused("a wrong checksum", layerFixture(damaged(tarOf([file]), 0))),
  refused("no tar", layerFixture(Buffer.from("x".repeat(2000)))),
  refused("records of PAX that are none", layerFixture(pax("nonsense"))),
  refused("a record of PAX with a wrong length", layerFixture(pax("99 path=x\n"))),
  refused("a name of PAX with a zero", layerFixture(pax("12 path=x\0y\n"))),
  refused(
    "a size that is no number",
    layerFixture(editedEntry(file, (header) => header.write("x", 124))),
  ),
  refused(
    "an entry of a type that nobody knows",
    layerFixture([{ name: "x", type: { flag: "?" } }]),
  ),
  refused("a volume label", layerFixture([{ name: "label", type: { flag: "V" } }, file])),
  refused("a contiguous file", layerFixture([{ name: "x", type: "contiguous", content: "x" }])),
  refused("a hard link to nothing", layerFixture([{ name: "x", type: "link", linkname: "no" }])),
  refused(
    "a hard link to itself",
    layerFixture([file, { name: "file", type: "link", linkname: "file" }]),
  ),
  refused(
    "a hard link to a folder",
    layerFixture([{ name: "d/" }, { name: "x", type: "link", linkname: "d" }]),
  ),
  refused(
    "a hard link to a file of a layer below",
    layerFixture([file]),
    layerFixture([{ name: "x", type: "link", linkname: "file" }]),
  ),
  refused(
    "a hard link out of the layer",
    layerFixture([{ name: "x", type: "link", linkname: "../../../../../../etc/passwd" }]),
  ),
  refused(
    "a hard link through a symlink out of the layer",
    layerFixture([
      { name: "out", type: "symlink", linkname: "/etc" },
      { name: "x", type: "link", linkname: "out/passwd" },
    ]),
  ),
  refused(
    "a folder in whose place there is a symlink to nowhere",
    layerFixture([{ name: "d/" }, { name: "d", type: "symlink", linkname: "no" }]),
  ),
  refused("a folder that a bottom layer hides", layerFixture([{ name: "d/" }, { name: ".wh.d" }])),
  ...["A", "D", "M", "S", "X", "s"].map((flag) =>
    refused(`an entry of type ${flag}`, layerFixture([{ name: "x", type: { flag } }])),
  ),
  refused("a symlink without a target", layerFixture([{ name: "x", type: "symlink" }])),
  refused(
    "gzip that is cut off",
    layerFixtureOf(gzipSync(tar).subarray(0, -20), { tar, mediaType: gzip }),
  ),
  refused(
    "gzip without its end",
    layerFixtureOf(gzipSync(tar).subarray(0, -8), { tar, mediaType: gzip }),
  ),
  refused(
    "gzip with a wrong checksum",
    layerFixtureOf(damaged(gzipSync(tar), -8), { tar, mediaType: gzip }),
  ),
  refused(
    "gzip with a wrong length",
    layerFixtureOf(damaged(gzipSync(tar), -1), { tar, mediaType: gzip }),
  ),
  refused(
    "gzip with something after it",
    layerFixtureOf(Buffer.concat([gzipSync(tar), Buffer.from("more")]), { tar, mediaType: gzip }),
  ),
  refused(
    "zstd that is cut off",
    layerFixtureOf(zstdCompressSync(tar).subarray(0, -3), { tar, mediaType: zstd }),
  ),
  refused(
    "zstd with something after it",
    layerFixtureOf(Buffer.concat([zstdCompressSync(tar), Buffer.from("more")]), {
      tar,
      mediaType: zstd,
    }),
  ),
  refused("a diffID of another", { ...layerFixture([file]), diffId: layerFixture([]).diffId }),
];
