import { createHash } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Descriptor } from "../../core/descriptor.ts";
import { hexOf } from "../../core/digest.ts";
import { ensurePackages } from "./apt-packages.ts";
import { withFileLock } from "./file-lock.ts";
import { machineEntry, markEntry, randomEntries, rootEntries } from "./image-contents.ts";
import type { LayerCompression, LayerEntry } from "./image-layer.ts";
import type { MediaTypeFamily } from "./image-media-types.ts";
import { ImageWriter, machineArchitecture, type BuiltManifest } from "./image-writer.ts";
import { pickMachineFiles, type MachineFile, type MachineFilesOptions } from "./machine-files.ts";
import { cachePath } from "./repository.ts";

export interface LayerPlan {
  readonly compression: LayerCompression;
  /** Size before compression, about. */
  readonly sizeBytes: number;
  /** Files of this machine, or bytes that do not compress. */
  readonly of: "machine" | "random";
  /** In place of the image's, for a layer that several images have; it must be of random bytes. */
  readonly seed?: string;
}

export interface ImagePlan {
  /** Images of different seeds have no layer in common. */
  readonly seed: string;
  readonly layers: readonly LayerPlan[];
  readonly mediaTypes?: MediaTypeFamily;
  /** Adds a second, small manifest for a platform that is not this one. */
  readonly hasOtherPlatform?: boolean;
  /** What a container of it runs when it is not told: a shell unless said otherwise. */
  readonly command?: readonly string[];
}

/** An image in an OCI layout on disk. */
export interface BuiltImage {
  readonly directory: string;
  /** The index, which names all the manifests. */
  readonly index: Descriptor;
  readonly manifests: readonly BuiltManifest[];
}

/** Changes when the same plan would give other bytes. */
const formatVersion = 2;

/** Bounds how far a layer can exceed its planned size: by one file. */
const filesPerLayerMin = 8;

/**
 * Builds an image that can run `/bin/sh`, or takes it from the cache. Its first layer
 * has a root file system besides what is planned for it.
 */
export async function buildImage(
  plan: ImagePlan,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<BuiltImage> {
  await ensurePackages(["busybox-static"]);
  const files = await pickMachineFiles(machineFilesOf(plan));
  const key = createHash("sha256").update(JSON.stringify([formatVersion, plan, files]));
  const directory = join(cachePath, "images", key.digest("hex").slice(0, 16));
  return withFileLock(`${directory}.lock`, async () => {
    const built = await readBuiltImage(directory);
    if (built !== undefined) return { directory, ...built };
    await rm(`${directory}.partial`, { recursive: true, force: true });
    const image = await writeImage(plan, { files, directory: `${directory}.partial`, signal });
    await rename(`${directory}.partial`, directory);
    return { directory, ...image };
  });
}

/** Which files of the machine fill the layers that are made of such. */
function machineFilesOf({ layers }: ImagePlan): MachineFilesOptions {
  const sizes = layers.filter(({ of }) => of === "machine").map(({ sizeBytes }) => sizeBytes);
  return {
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    fileSizeMaxBytes: Math.min(...sizes) / filesPerLayerMin,
  };
}

/** Where a blob of the image is. */
export function blobPath({ directory }: BuiltImage, { digest }: Descriptor): string {
  return join(directory, "blobs", "sha256", hexOf(digest));
}

/** Size of the blobs that one platform needs: its manifest, config, and layers. */
export function sizeOfManifest({ descriptor, config, layers }: BuiltManifest): number {
  return [descriptor, config, ...layers].reduce((sum, { size }) => sum + size, 0);
}

const builtFile = "built.json";

async function readBuiltImage(
  directory: string,
): Promise<Omit<BuiltImage, "directory"> | undefined> {
  const text = await readFile(join(directory, builtFile), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Omit<BuiltImage, "directory">);
}

interface WriteImageOptions {
  readonly files: readonly MachineFile[];
  readonly directory: string;
  readonly signal: AbortSignal | undefined;
}

async function writeImage(
  plan: ImagePlan,
  { files, directory, signal }: WriteImageOptions,
): Promise<Omit<BuiltImage, "directory">> {
  const writer = await ImageWriter.create(directory, { family: plan.mediaTypes ?? "oci", signal });
  const layers = await Promise.all(
    planEntries(plan, files).map((entries, index) =>
      writer.layer(entries, plan.layers[index]?.compression ?? "gzip"),
    ),
  );
  const manifests = [await writer.manifest(machineArchitecture, layers, plan)];
  if (plan.hasOtherPlatform) {
    const other = await writer.layer([markEntry(`${plan.seed} of s390x`, 0)], "gzip");
    manifests.push(await writer.manifest("s390x", [other]));
  }
  const image = { index: await writer.finish(manifests), manifests };
  await writeFile(join(directory, builtFile), JSON.stringify(image));
  return image;
}

/** What goes into which layer: files of the machine fill the layers in their order. */
function planEntries(plan: ImagePlan, files: readonly MachineFile[]): LayerEntry[][] {
  const unused = [...files].reverse();
  return plan.layers.map(({ of, sizeBytes, seed = plan.seed }, index) => {
    const entries = [...(index === 0 ? rootEntries(seed) : []), markEntry(seed, index)];
    let missing = sizeBytes;
    while (of === "machine" && missing > 0) {
      const file = unused.pop();
      if (file === undefined) break;
      entries.push(machineEntry(file));
      missing -= file.sizeBytes;
    }
    // A machine with too few files gets the rest from thin air.
    return [...entries, ...randomEntries(Math.max(missing, 0), `${seed} ${index}`)];
  });
}
