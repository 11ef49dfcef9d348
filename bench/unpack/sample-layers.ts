import assert from "node:assert/strict";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, createZstdCompress } from "node:zlib";

import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { parseImageConfig } from "../../core/image-config.ts";
import { layerFixture } from "../../core/testing/layer-fixture.ts";
import { blobPath, buildImage, type BuiltImage } from "../../integration/support/image.ts";
import type { LayerCompression } from "../../integration/support/image-layer.ts";
import { ImageWriter, machineArchitecture } from "../../integration/support/image-writer.ts";
import { smallFiles } from "../../integration/support/odd-images/small-files-image.ts";

/** One layer to unpack, in an OCI layout. */
export interface SampleLayer {
  readonly name: string;
  readonly layout: string;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly blobPath: string;
  /** Size of what it is unpacked to, about. */
  readonly sizeBytes: number;
}

/** A layer of files of this machine, most of which are large. */
export async function machineLayer(
  compression: LayerCompression,
  { sizeBytes, signal }: { readonly sizeBytes: number; readonly signal: AbortSignal },
): Promise<SampleLayer> {
  const layers = [{ compression, sizeBytes, of: "machine" }] as const;
  const image = await buildImage({ seed: "bench unpack", layers }, { signal });
  return sampleOf(image, { name: compression, sizeBytes });
}

/** Disk that a small file takes: a block of data, and its share of inodes and names. */
const smallFileBytes = 4096 + 512;

/** A layer of so many small files. */
export async function smallFilesLayer(
  count: number,
  { directory }: { readonly directory: string },
): Promise<SampleLayer> {
  const writer = await ImageWriter.create(directory, { family: "oci" });
  const layer = layerFixture(smallFiles(count));
  await writer.blob(layer.mediaType, layer.bytes);
  const manifests = [await writer.manifest(machineArchitecture, [layer])];
  const index = await writer.finish(manifests);
  const image = { directory, index, manifests };
  return sampleOf(image, { name: "small-files", sizeBytes: count * smallFileBytes });
}

/** As zstd at level 20 has it: the reader must remember so much of what it read. */
const windowLog = 25;

/** The same files in zstd with a window of 32 MiB, written to `path`; for our unpacker only. */
export async function longWindowLayer(
  gzip: SampleLayer,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<SampleLayer> {
  const compress = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
  await pipeline(
    createReadStream(gzip.blobPath),
    createGunzip(),
    compress,
    createWriteStream(path),
    { signal },
  );
  return { ...gzip, name: "long-window", blobPath: path };
}

async function sampleOf(
  image: BuiltImage,
  { name, sizeBytes }: Pick<SampleLayer, "name" | "sizeBytes">,
): Promise<SampleLayer> {
  const [manifest] = image.manifests;
  const [descriptor] = manifest?.layers ?? [];
  assert(manifest && descriptor);
  const [diffId] = parseImageConfig(await readFile(blobPath(image, manifest.config))).diffIds;
  assert(diffId !== undefined);
  const layout = image.directory;
  return { name, layout, descriptor, diffId, blobPath: blobPath(image, descriptor), sizeBytes };
}
