import { LRUCache } from "lru-cache";

import type { Digest } from "../../../core/digest.ts";
import { CodedError } from "../../../core/errors.ts";
import { manifestLengthMax, parseImageManifest } from "../../../core/image-manifest.ts";
import type { BlobReader } from "../../../core/ports/blob-store.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import { readBlob } from "../../read-blob.ts";

/** Manifests whose members are remembered, some hundred bytes for each member. */
const manifestsMax = 500;

/** From an index by its manifests to their layers; one more for an index of indexes. */
const generationsMax = 3;

/** Manifests that are read for one question. */
const readMax = 200;

/** Knows from manifests on this node which digests belong to one image. */
export class ImageMembers {
  readonly #store: Pick<BlobReader, "find" | "read">;
  readonly #members = new LRUCache<Digest, readonly Digest[]>({ max: manifestsMax });

  constructor({ store }: { readonly store: Pick<BlobReader, "find" | "read"> }) {
    this.#store = store;
  }

  /** Whether the digest is one of `tops`, or named by one of them or by what they name. */
  async has(digest: Digest, tops: Iterable<Digest>, { signal }: Cancellable): Promise<boolean> {
    // The newest is the likeliest.
    let generation: Digest[] = [...tops].reverse();
    const seen = new Set(generation);
    for (let depth = 0, read = 0; depth < generationsMax; depth++) {
      if (generation.includes(digest)) return true;
      const next: Digest[] = [];
      for (const parent of generation) {
        if (++read > readMax) break;
        const members = await this.#membersOf(parent, { signal });
        if (members.includes(digest)) return true;
        next.push(...members.filter((member) => !seen.has(member)));
        for (const member of members) seen.add(member);
      }
      generation = next;
    }
    return false;
  }

  async #membersOf(digest: Digest, { signal }: Cancellable): Promise<readonly Digest[]> {
    const known = this.#members.get(digest);
    if (known) return known;
    const record = this.#store.find(digest);
    if (!record?.whole || record.size > manifestLengthMax) return [];
    const members = membersIn(await readBlob(this.#store, record, { signal }));
    this.#members.set(digest, members);
    return members;
  }
}

/** Empty for what is no manifest, such as a small layer. */
function membersIn(bytes: Uint8Array): readonly Digest[] {
  try {
    const manifest = parseImageManifest(bytes);
    if (manifest.kind === "index") {
      return manifest.manifests.map(({ descriptor }) => descriptor.digest);
    }
    return [manifest.config, ...manifest.layers].map(({ digest }) => digest);
  } catch (error) {
    if (error instanceof CodedError) return [];
    throw error;
  }
}
