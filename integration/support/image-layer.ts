import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";

import { pack, type Header, type Pack } from "tar-stream";

import type { Descriptor } from "../../core/descriptor.ts";
import { digestFromHash, hexOf, type Digest } from "../../core/digest.ts";

export type LayerCompression = "gzip" | "zstd" | "none";

/** One entry of a layer; what it holds is read when the layer is written. */
export interface LayerEntry {
  readonly path: string;
  readonly mode: number;
  readonly content:
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "bytes"; readonly bytes: Uint8Array }
    | { readonly kind: "link"; readonly target: string };
}

export interface BuiltLayer {
  readonly descriptor: Descriptor;
  /** Digest of the layer before it was compressed. */
  readonly diffId: Digest;
}

/** Fast: what is measured is the transfer, and files of a machine shrink well at any level. */
const gzipLevel = 1;

/**
 * Writes entries as a layer to `<directory>/sha256/<hex>`. The same entries give the
 * same bytes: neither time nor owners get in.
 */
export async function writeLayer(
  entries: readonly LayerEntry[],
  options: {
    readonly directory: string;
    readonly compression: LayerCompression;
    readonly mediaType: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<BuiltLayer> {
  const temporary = join(options.directory, `layer-${Math.random().toString(36).slice(2)}`);
  const uncompressed = createHash("sha256");
  const compressed = createHash("sha256");
  const tar = pack();
  let size = 0;
  try {
    const written = pipeline(
      hashing(tar, uncompressed),
      compressorOf(options.compression),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of hashing(chunks, compressed)) {
          size += chunk.byteLength;
          yield chunk;
        }
      },
      createWriteStream(temporary, { flags: "wx" }),
      { signal: options.signal },
    );
    await Promise.all([written, addEntries(tar, entries)]);
    const digest = digestFromHash(compressed);
    await rename(temporary, join(options.directory, "sha256", hexOf(digest)));
    const { mediaType } = options;
    return { descriptor: { mediaType, digest, size }, diffId: digestFromHash(uncompressed) };
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function addEntries(tar: Pack, entries: readonly LayerEntry[]): Promise<void> {
  try {
    for (const entry of entries) await addEntry(tar, entry);
    tar.finalize();
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

async function addEntry(tar: Pack, { path, mode, content }: LayerEntry): Promise<void> {
  const header = { name: path, mode, mtime: new Date(0), uid: 0, gid: 0 } satisfies Partial<Header>;
  const bytes = await bytesOf(content);
  await new Promise<void>((resolve, reject) => {
    const added = (error?: Error | null) => {
      if (error) reject(error);
      else resolve();
    };
    if (content.kind === "link") {
      tar.entry({ ...header, type: "symlink", linkname: content.target }, added);
    } else {
      tar.entry(header, bytes, added);
    }
  });
}

async function bytesOf(content: LayerEntry["content"]): Promise<Uint8Array> {
  switch (content.kind) {
    case "file":
      return readFile(content.path);
    case "bytes":
      return content.bytes;
    case "link":
      return new Uint8Array();
  }
}

async function* hashing(chunks: AsyncIterable<unknown>, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    // The types of tar-stream do not say what it yields.
    assert(Buffer.isBuffer(chunk));
    hash.update(chunk);
    yield chunk;
  }
}

function compressorOf(compression: LayerCompression): Duplex {
  switch (compression) {
    case "gzip":
      return createGzip({ level: gzipLevel });
    case "zstd":
      return createZstdCompress();
    case "none":
      return new PassThrough();
  }
}
