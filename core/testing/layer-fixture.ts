import { gzipSync, zstdCompressSync } from "node:zlib";

import type { Descriptor } from "../descriptor.ts";
import { type Digest, digestOf } from "../digest.ts";
import { type TarPart, tarOf } from "./tar-fixture.ts";

/** How the bytes of a layer are compressed. */
export type LayerCompression = keyof typeof ociMediaTypes;

const ociMediaTypes = {
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  none: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** A layer for tests and what describes it. */
export interface LayerFixture {
  /** The blob. */
  readonly bytes: Buffer;
  readonly tar: Buffer;
  readonly descriptor: Descriptor;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Digest of the tar stream. */
  readonly diffId: Digest;
}

/**
 * A layer of these entries, or of a tar stream that is there already. The same input gives
 * the same layer.
 */
export function layerFixture(
  content: readonly TarPart[] | Uint8Array,
  compression: LayerCompression = "gzip",
): LayerFixture {
  const tar = content instanceof Uint8Array ? Buffer.from(content) : tarOf(content);
  return layerFixtureOf(compressed(tar, compression), {
    tar,
    mediaType: ociMediaTypes[compression],
  });
}

/** Describes bytes that were compressed in a way of the test's own. */
export function layerFixtureOf(
  bytes: Buffer,
  { tar, mediaType }: { readonly tar: Buffer; readonly mediaType: string },
): LayerFixture {
  const digest = digestOf(bytes);
  const descriptor = { mediaType, digest, size: bytes.length };
  return { bytes, tar, descriptor, digest, mediaType, diffId: digestOf(tar) };
}

/** Fast levels: what is tested is the reading. */
function compressed(tar: Buffer, compression: LayerCompression): Buffer {
  switch (compression) {
    case "gzip":
      return gzipSync(tar, { level: 1 });
    case "zstd":
      return zstdCompressSync(tar);
    case "none":
      return tar;
  }
}
