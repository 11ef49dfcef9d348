import { z } from "zod";

import { type Digest, isDigest } from "../core/digest.ts";
import type { StateFile } from "./state-file.ts";

/** Which blobs an image had, by the digest of its top manifest. */
type Versions = Map<Digest, Set<Digest>>;

/** What {@link PinnedImages} works with. */
export interface PinnedImagesDeps {
  readonly file: StateFile;
  /** References in full of the images that stay. */
  readonly references: ReadonlySet<string>;
}

const digests = z.string().refine(isDigest);
const fileSchema = z.record(z.string(), z.record(digests, z.array(digests)));

/**
 * The blobs of images that stay once they are here. What a reference stood for before
 * stays until all of what it stands for now is here. A reference that is not in the
 * configuration any more pins nothing.
 */
export class PinnedImages {
  readonly #file: StateFile;
  readonly #images: ReadonlyMap<string, Versions>;

  private constructor(file: StateFile, images: ReadonlyMap<string, Versions>) {
    this.#file = file;
    this.#images = images;
  }

  /** Reads what was kept; a file that is damaged counts as none. */
  static async open({ file, references }: PinnedImagesDeps): Promise<PinnedImages> {
    const kept = parseFile(await file.read());
    const versionsOf = (reference: string): Versions => {
      const versions = Object.entries(kept[reference] ?? {}) as [Digest, Digest[]][];
      return new Map(versions.map(([image, blobs]) => [image, new Set(blobs)]));
    };
    const images = [...references].map((name) => [name, versionsOf(name)] as const);
    return new PinnedImages(file, new Map(images));
  }

  has(digest: Digest): boolean {
    for (const versions of this.#images.values()) {
      for (const blobs of versions.values()) if (blobs.has(digest)) return true;
    }
    return false;
  }

  /**
   * Notes blobs of an image, if it is one that stays.
   *
   * @param image Digest of its top manifest.
   */
  add(reference: string, image: Digest, blobs: Iterable<Digest>): void {
    const versions = this.#images.get(reference);
    const known = versions?.get(image) ?? new Set();
    for (const digest of blobs) known.add(digest);
    versions?.set(image, known);
  }

  /** All of the image is here: what its reference stood for before may leave. */
  async settle(reference: string, image: Digest): Promise<void> {
    const versions = this.#images.get(reference);
    if (!versions) return;
    for (const other of [...versions.keys()]) if (other !== image) versions.delete(other);
    await this.#save();
  }

  /** Never rejects. */
  async #save(): Promise<void> {
    await this.#file.replace(() => {
      const images = [...this.#images].map(([reference, versions]) => {
        const entries = [...versions].map(([image, blobs]) => [image, [...blobs]] as const);
        return [reference, Object.fromEntries(entries)] as const;
      });
      return JSON.stringify(Object.fromEntries(images));
    });
  }
}

function parseFile(text: string): z.output<typeof fileSchema> {
  try {
    return fileSchema.safeParse(JSON.parse(text)).data ?? {};
  } catch {
    return {};
  }
}
