import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Descriptor } from "../../core/descriptor.ts";
import { digestOf, hexOf } from "../../core/digest.ts";
import {
  writeLayer,
  type BuiltLayer,
  type LayerCompression,
  type LayerEntry,
} from "./image-layer.ts";
import { imageMediaTypes, type MediaTypeFamily } from "./image-media-types.ts";

/** That of this machine. */
export const machineArchitecture = process.arch === "x64" ? "amd64" : process.arch;

/** The parts of an image for one platform. */
export interface BuiltManifest {
  /** As Go names it, and so do images. */
  readonly architecture: string;
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ImageWriterOptions {
  readonly family: MediaTypeFamily;
  readonly signal?: AbortSignal | undefined;
}

/** Writes the parts of an image into an OCI layout. */
export class ImageWriter {
  readonly mediaTypes: (typeof imageMediaTypes)[MediaTypeFamily];
  readonly #directory: string;
  readonly #blobsPath: string;
  readonly #signal: AbortSignal | undefined;

  private constructor(directory: string, { family, signal }: ImageWriterOptions) {
    this.mediaTypes = imageMediaTypes[family];
    this.#directory = directory;
    this.#blobsPath = join(directory, "blobs");
    this.#signal = signal;
  }

  /** Makes the folders of a layout, below a folder that need not be there. */
  static async create(directory: string, options: ImageWriterOptions): Promise<ImageWriter> {
    await mkdir(join(directory, "blobs", "sha256"), { recursive: true });
    return new ImageWriter(directory, options);
  }

  layer(entries: readonly LayerEntry[], compression: LayerCompression): Promise<BuiltLayer> {
    const mediaType = this.mediaTypes.layer[compression];
    const directory = this.#blobsPath;
    return writeLayer(entries, { directory, compression, mediaType, signal: this.#signal });
  }

  async manifest(
    architecture: string,
    layers: readonly BuiltLayer[],
    { command = ["/bin/sh"] }: { readonly command?: readonly string[] } = {},
  ): Promise<BuiltManifest> {
    const config = await this.json(this.mediaTypes.config, {
      architecture,
      os: "linux",
      config: { Cmd: command, Env: ["PATH=/bin:/usr/bin"] },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    });
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const { manifest: mediaType } = this.mediaTypes;
    const content = { schemaVersion: 2, mediaType, config, layers: descriptors };
    const descriptor = await this.json(mediaType, content);
    return { architecture, descriptor, config, layers: descriptors };
  }

  json(mediaType: string, content: object): Promise<Descriptor> {
    return this.blob(mediaType, Buffer.from(JSON.stringify(content)));
  }

  async blob(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = digestOf(bytes);
    await writeFile(join(this.#blobsPath, "sha256", hexOf(digest)), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** Writes an index of all manifests, which it gives, and what makes the folder a layout. */
  async finish(manifests: readonly BuiltManifest[]): Promise<Descriptor> {
    const { index: mediaType } = this.mediaTypes;
    const index = await this.json(mediaType, {
      schemaVersion: 2,
      mediaType,
      manifests: manifests.map(({ descriptor, architecture }) => ({
        ...descriptor,
        platform: { os: "linux", architecture },
      })),
    });
    await writeFile(join(this.#directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const content = { schemaVersion: 2, manifests: [index] };
    await writeFile(join(this.#directory, "index.json"), JSON.stringify(content));
    return index;
  }
}
