import { LRUCache } from "lru-cache";

import type { Digest } from "../../../core/digest.ts";
import { CodedError } from "../../../core/errors.ts";
import { manifestLengthMax, parseImageManifest } from "../../../core/image-manifest.ts";
import { type JsonObject, isJsonObject, parseJsonObject } from "../../../core/json-object.ts";
import type { BlobReader } from "../../../core/ports/blob-store.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import { readBlob } from "../../read-blob.ts";
import { isUnambiguous } from "./unambiguous-json.ts";

/** Manifests whose members are remembered, some ten kilobytes each. */
const manifestsMax = 500;

/** An index, its manifests; one more for an index of indexes. */
const generationsMax = 3;

/** Manifests that are looked into for one question. */
const readMax = 200;

/** What a manifest or index of today has; one with more is not vouched for by what we know of it. */
const documentKeys: ReadonlySet<string> = new Set([
  ...["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests"],
  ...["subject", "annotations"],
]);

/** What a manifest names, and its registry has seen to be there. */
interface Members {
  readonly manifests: readonly Digest[];
  readonly blobs: readonly Digest[];
}

const nobody: Members = { manifests: [], blobs: [] };

/**
 * Knows from manifests on this node which digests belong to one image.
 *
 * Only what a registry takes for manifests may vouch for others: it checks that all that these
 * name is in the same repository, while a blob may hold any text. What has URLs is not checked
 * even in a manifest, and what a registry may have read otherwise than we vouches for nothing:
 * then the registry is asked for each blob.
 *
 * @see distribution/distribution registry/storage/ocimanifesthandler.go: verifyManifest
 */
export class ImageMembers {
  readonly #store: Pick<BlobReader, "find" | "read">;
  readonly #members = new LRUCache<Digest, Members>({ max: manifestsMax });

  constructor({ store }: { readonly store: Pick<BlobReader, "find" | "read"> }) {
    this.#store = store;
  }

  /** Whether the digest is named by one of the manifests, or by one that they name. */
  async has(
    digest: Digest,
    manifests: readonly Digest[],
    { signal }: Cancellable,
  ): Promise<boolean> {
    // The newest is the likeliest.
    let generation = [...manifests].reverse();
    const seen = new Set(generation);
    for (let depth = 0; depth < generationsMax; depth++) {
      const next: Digest[] = [];
      for (const parent of generation) {
        const members = await this.#membersOf(parent, { signal });
        if (members.blobs.includes(digest) || members.manifests.includes(digest)) return true;
        next.push(...members.manifests.filter((member) => !seen.has(member)));
        for (const member of members.manifests) seen.add(member);
        if (seen.size > readMax) return false;
      }
      generation = next;
    }
    return false;
  }

  async #membersOf(digest: Digest, { signal }: Cancellable): Promise<Members> {
    const known = this.#members.get(digest);
    if (known) return known;
    const record = this.#store.find(digest);
    if (!record?.whole || record.size > manifestLengthMax) return nobody;
    const members = membersIn(await readBlob(this.#store, record, { signal }));
    this.#members.set(digest, members);
    return members;
  }
}

function membersIn(bytes: Uint8Array): Members {
  try {
    const manifest = parseImageManifest(bytes);
    const document = parseJsonObject(bytes, { what: "manifest", lengthMax: manifestLengthMax });
    if (!isAsRegistriesReadIt(document, bytes)) return nobody;
    const elsewhere = digestsElsewhere(document);
    const isHere = (digest: Digest) => !elsewhere.has(digest);
    if (manifest.kind === "index") {
      const digests = manifest.manifests.map(({ descriptor }) => descriptor.digest);
      return { manifests: digests.filter(isHere), blobs: [] };
    }
    const digests = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    return { manifests: [], blobs: digests.filter(isHere) };
  } catch (error) {
    if (error instanceof CodedError) return nobody;
    throw error;
  }
}

/**
 * Whether a registry has checked the same names that we see. What it took for something of
 * another kind (an index, a manifest of the first schema) it has checked by other keys.
 */
function isAsRegistriesReadIt(document: JsonObject, bytes: Uint8Array): boolean {
  if ("manifests" in document && ("layers" in document || "config" in document)) return false;
  if (Object.keys(document).some((key) => !documentKeys.has(key))) return false;
  return isUnambiguous(Buffer.from(bytes).toString("utf8"));
}

/** What a registry need not have, for it is said to be elsewhere. */
function digestsElsewhere(document: JsonObject): ReadonlySet<unknown> {
  const entries = [document["config"], document["layers"], document["manifests"]].flat();
  const descriptors = entries.filter(isJsonObject).filter((entry) => "urls" in entry);
  return new Set(descriptors.map(({ digest }) => digest));
}
