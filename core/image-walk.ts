import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";
import {
  type ImageManifest,
  type IndexEntry,
  manifestLengthMax,
  parseImageManifest,
} from "./image-manifest.ts";
import { isIndex, isManifest } from "./media-type.ts";
import { type Platform, platformMatches } from "./platform.ts";

/** What {@link blobsBelow} works with. */
export interface ImageWalkDeps {
  readonly platforms: readonly Platform[] | "all";
  /** Gets a manifest; called once for each. */
  readonly manifest: (descriptor: Descriptor) => Promise<Uint8Array>;
  /** Told of a manifest below the top that cannot be had or read; the others go on. */
  readonly onFailure: (descriptor: Descriptor, error: unknown) => void;
}

/** Indexes below each other that are followed: real images have one, or one in another. */
const depthMax = 4;

/** Manifests and blobs of one image: one for ten platforms has some 200. */
const partsMax = 10_000;

/** Platform of entries that are no images but are stored beside them: attestations. */
const unknownOs = "unknown";

/**
 * Goes through the manifests of an image from the top down, and gives the blobs that those
 * of the wanted platforms name, each once.
 *
 * @throws {InvalidArgumentError} when it has none of the platforms.
 * @throws what comes of getting and parsing the top manifest
 */
export async function blobsBelow(top: Descriptor, deps: ImageWalkDeps): Promise<Descriptor[]> {
  const walk = new ImageWalk(deps);
  await walk.visit(top, 0);
  if (walk.blobs.size === 0 && !walk.hasFailed) {
    throw new InvalidArgumentError("Cannot preheat the image: it has no such platform");
  }
  return [...walk.blobs.values()];
}

class ImageWalk {
  readonly #deps: ImageWalkDeps;
  readonly #manifests = new Set<Digest>();
  readonly blobs = new Map<Digest, Descriptor>();
  hasFailed = false;

  constructor(deps: ImageWalkDeps) {
    this.#deps = deps;
  }

  async visit(descriptor: Descriptor, depth: number): Promise<void> {
    if (descriptor.size > manifestLengthMax || depth > depthMax) {
      throw new InvalidArgumentError(`Cannot preheat ${descriptor.digest}: too long or too deep`);
    }
    const manifest = await this.#read(descriptor);
    if (manifest.kind === "manifest") {
      this.#addBlobs([manifest.config, ...manifest.layers]);
      return;
    }
    const chosen = manifest.manifests.filter((entry) => isChosen(entry, this.#deps.platforms));
    const branches = chosen.map((entry) => entry.descriptor).filter((entry) => isBranch(entry));
    this.#addBlobs(chosen.map((entry) => entry.descriptor).filter((entry) => !isBranch(entry)));
    await Promise.all(branches.map((branch) => this.#visitBranch(branch, depth + 1)));
  }

  /** Apart, so that its bytes are let go of before the manifests that it names are awaited. */
  async #read(descriptor: Descriptor): Promise<ImageManifest> {
    const bytes = await this.#deps.manifest(descriptor);
    return parseImageManifest(bytes, descriptor.mediaType);
  }

  async #visitBranch(descriptor: Descriptor, depth: number): Promise<void> {
    if (this.#manifests.has(descriptor.digest)) return;
    this.#manifests.add(descriptor.digest);
    try {
      this.#checkCount(0);
      await this.visit(descriptor, depth);
    } catch (error) {
      this.hasFailed = true;
      this.#deps.onFailure(descriptor, error);
    }
  }

  #addBlobs(descriptors: readonly Descriptor[]): void {
    this.#checkCount(descriptors.length);
    for (const descriptor of descriptors) this.blobs.set(descriptor.digest, descriptor);
  }

  #checkCount(more: number): void {
    if (this.#manifests.size + this.blobs.size + more <= partsMax) return;
    throw new InvalidArgumentError(`Cannot preheat the image: it has over ${partsMax} parts`);
  }
}

function isBranch({ mediaType }: Descriptor): boolean {
  return isManifest(mediaType) || isIndex(mediaType);
}

/** An entry that names no platform may be for any, or an index whose entries name theirs. */
function isChosen({ platform }: IndexEntry, platforms: ImageWalkDeps["platforms"]): boolean {
  if (platforms === "all" || !platform) return true;
  if (platform.os === unknownOs) return false;
  return platforms.some((wanted) => platformMatches(platform, wanted));
}
