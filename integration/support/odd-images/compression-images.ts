import { constants, gzipSync, zstdCompressSync } from "node:zlib";

import {
  layerFixture,
  layerFixtureOf,
  type LayerFixture,
} from "../../../core/testing/layer-fixture.ts";
import { tarEnd, tarOf, type TarPart } from "../../../core/testing/tar-fixture.ts";
import { imageMediaTypes } from "../image-media-types.ts";
import type { OddImage } from "./odd-image.ts";

const { oci, docker } = imageMediaTypes;

const entries: readonly TarPart[] = [
  { name: "bin/", mtime: 1_500_000_000 },
  { name: "bin/tool", content: "tool".repeat(100_000), mode: 0o755, mtime: 1_500_000_000 },
  { name: "bin/same", type: "link", linkname: "bin/tool", mode: 0o755 },
];

const tar = tarOf(entries);

function packed(bytes: Buffer, mediaType: string = oci.layer.gzip, of: Buffer = tar): LayerFixture {
  return layerFixtureOf(bytes, { tar: of, mediaType });
}

/** Members that begin within headers and contents, one of which is empty. */
function membersOf(content: Buffer): Buffer {
  const cuts = [0, 1, 100, 512, 512, 700, 1536, 100_000, content.length];
  const parts = cuts.slice(1).map((end, index) => content.subarray(cuts[index], end));
  return Buffer.concat(parts.map((part) => gzipSync(part)));
}

/** A header of gzip with all its optional fields: extra, name, comment, and its own checksum. */
function gzipWithFields(content: Buffer): Buffer {
  const plain = gzipSync(content);
  const header = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1c, 1, 2, 3, 4, 0, 3]),
    Buffer.from([4, 0, 0x41, 0x42, 0, 0]),
    Buffer.from("name of a file\0a comment\0"),
  ]);
  return Buffer.concat([header, plain.subarray(10)]);
}

function zstd(content: Buffer, parameters: Readonly<Record<number, number>> = {}): Buffer {
  return zstdCompressSync(content, { params: parameters });
}

/** The start of a frame of zstd with a window of 64 MiB, which does not say its size. */
const startOfLongWindow = Buffer.from("28b52ffd0080", "hex");

/** A frame of one block that is not compressed. */
function zstdOfLongWindow(content: Buffer): Buffer {
  const blockHeader = Buffer.alloc(3);
  // The last block, raw.
  blockHeader.writeUIntLE((content.length << 3) | 1, 0, 3);
  return Buffer.concat([startOfLongWindow, blockHeader, content]);
}

/** A frame that a reader of zstd passes over. */
const skippableFrame = Buffer.concat([
  Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]),
  Buffer.from("notes"),
]);

const framesOfZstd = Buffer.concat([
  zstd(tar.subarray(0, 700)),
  skippableFrame,
  zstd(tar.subarray(700, 50_000), { [constants.ZSTD_c_checksumFlag]: 1 }),
  zstd(Buffer.alloc(0)),
  zstd(tar.subarray(50_000), { [constants.ZSTD_c_windowLog]: 23 }),
]);

export const compressionImages: readonly OddImage[] = [
  { name: "OCI gzip", layers: () => [packed(gzipSync(tar))] },
  { name: "OCI zstd", layers: () => [packed(zstd(tar), oci.layer.zstd)] },
  { name: "OCI uncompressed", layers: () => [packed(tar, oci.layer.none)] },
  { name: "Docker gzip", layers: () => [packed(gzipSync(tar), docker.layer.gzip)] },
  { name: "Docker uncompressed", layers: () => [packed(tar, docker.layer.none)] },
  {
    name: "OCI gzip that may not be distributed",
    layers: () => [
      packed(gzipSync(tar), "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    ],
  },
  {
    name: "Docker gzip of elsewhere",
    layers: () => [
      packed(gzipSync(tar), "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
    ],
  },
  { name: "gzip of many members", layers: () => [packed(membersOf(tar))] },
  { name: "gzip with all fields", layers: () => [packed(gzipWithFields(tar))] },
  { name: "gzip that is stored", layers: () => [packed(gzipSync(tar, { level: 0 }))] },
  { name: "zstd of many frames", layers: () => [packed(framesOfZstd, oci.layer.zstd)] },
  {
    name: "zstd that begins with a frame to pass over",
    layers: () => [packed(Buffer.concat([skippableFrame, zstd(tar)]), oci.layer.zstd)],
  },
  {
    name: "zstd with a window of 64 MiB",
    layers: () => [packed(zstdOfLongWindow(tarOf([])), oci.layer.zstd, tarOf([]))],
    isLeft: true,
  },
  { name: "uncompressed, called gzip", layers: () => [packed(tar)] },
  { name: "zstd, called gzip", layers: () => [packed(zstd(tar))] },
  { name: "gzip, called zstd", layers: () => [packed(gzipSync(tar), oci.layer.zstd)] },
  {
    name: "gzip, called uncompressed by Docker",
    layers: () => [packed(gzipSync(tar), docker.layer.none)],
  },
  {
    name: "gzip, called uncompressed by OCI",
    layers: () => [packed(gzipSync(tar), oci.layer.none, gzipSync(tar))],
    isRefused: true,
  },
  { name: "an empty layer", layers: () => [layerFixture([])] },
  { name: "an empty layer of zstd", layers: () => [layerFixture([], "zstd")] },
  { name: "an empty layer, uncompressed", layers: () => [layerFixture([], "none")] },
  { name: "gzip of nothing", layers: () => [layerFixture(Buffer.alloc(0))] },
  {
    name: "an empty layer above others",
    layers: () => [packed(gzipSync(tar)), layerFixture([]), layerFixture(entries, "zstd")],
  },
  { name: "no end", layers: () => [layerFixture(tarOf(entries, { trailer: Buffer.alloc(0) }))] },
  {
    name: "half an end",
    layers: () => [layerFixture(tarOf(entries, { trailer: Buffer.alloc(512) }))],
  },
  {
    name: "a long end",
    layers: () => [layerFixture(tarOf(entries, { trailer: Buffer.alloc(100_000) }))],
  },
  {
    name: "something after the end",
    layers: () => [
      layerFixture(tarOf(entries, { trailer: Buffer.concat([tarEnd, tarOf([{ name: "more" }])]) })),
    ],
  },
];
