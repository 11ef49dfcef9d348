import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { UnpackedLayer } from "../ports/layer-unpacker.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { type TarPart, tarOf } from "../testing/tar-fixture.ts";
import { Descriptor } from "./descriptor.ts";
import { LayerExtractor, type LayerExtractorOptions } from "./layer-extractor.ts";
import { defaultLayerLimits } from "./layer-limits.ts";

/** For tests that give files to others, or make devices. */
export const asRoot = {
  skip: process.getuid?.() === 0 ? false : "must be root to set owners and to make devices",
};

/** A layer that was unpacked, and what is said of it. */
export interface UnpackedTree {
  readonly path: string;
  readonly layer: UnpackedLayer;
}

interface UnpackOptions extends Partial<LayerExtractorOptions> {
  /** Length of the chunks in which the stream is given. */
  readonly chunkLength?: number;
}

/** An empty directory that goes with the test. */
export function emptyDirectory(t: TestContext): string {
  const parent = mkdtempSync(join(tmpdir(), "layer-"));
  // Node's own overflows its stack in a tree as deep as a layer may be.
  cleanUpOf(t).defer(() => execFileSync("rm", ["-r", parent]));
  const path = join(parent, "layer");
  mkdirSync(path);
  return path;
}

/** Unpacks a tar stream, or one of these entries. The chunks are spoiled once they were given. */
export async function unpack(
  t: TestContext,
  content: readonly TarPart[] | Uint8Array,
  { chunkLength = 64 * 1024, ...options }: UnpackOptions = {},
): Promise<UnpackedTree> {
  const tar = content instanceof Uint8Array ? content : tarOf(content);
  const { root: path = emptyDirectory(t) } = options;
  const extractor = new LayerExtractor({ root: path, limits: defaultLayerLimits, ...options });
  try {
    for (let start = 0; start < tar.length; start += chunkLength) {
      const chunk = Buffer.from(tar.subarray(start, start + chunkLength));
      extractor.write(chunk);
      chunk.fill(0xee);
    }
    return { path, layer: await extractor.end() };
  } finally {
    extractor.abort();
  }
}

/** All paths below a directory, sorted; of names that are ASCII. */
export function pathsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
}

/** Mode in octal, owner and group of something, such as `100644 0:0`. */
export function ownership(path: string): string {
  const { mode, uid, gid } = lstatSync(path);
  return `${mode.toString(8)} ${uid}:${gid}`;
}

/** Time of the last change, in nanoseconds since the Unix epoch. */
export function modified(path: string): bigint {
  return lstatSync(path, { bigint: true }).mtimeNs;
}

/** An extended attribute of a file or directory; `undefined` when there is none of that name. */
export function attributeOf(path: string, name: string): Buffer | undefined {
  const opened = new Descriptor(openSync(path, "r"));
  try {
    if (!opened.attributeNames().includes(name)) return undefined;
    return Buffer.from(opened.attribute(name));
  } finally {
    opened.close();
  }
}
