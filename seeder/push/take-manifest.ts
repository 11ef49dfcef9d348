import { createHash, randomUUID } from "node:crypto";

import { createDeadline } from "../../core/async/deadline.ts";
import type { KeyedLock } from "../../core/async/keyed-lock.ts";
import { Limiter } from "../../core/async/limiter.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, digestFromHash } from "../../core/digest.ts";
import { DigestMismatchError } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import type { ManifestName } from "../../core/oci-api/api-path.ts";
import type { BlobReader, BlobRecord, BlobWriter } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Repository } from "../../core/ports/origin.ts";
import type { RegistryWriter } from "../../core/ports/registry-writer.ts";
import type { Offering } from "../../core/blob-life/offering.ts";
import type { BlobRoom } from "../blob-room.ts";
import type { BlobsInUse } from "../blobs-in-use.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import type { PushQueue } from "./push-queue.ts";
import type { PushedTags } from "./pushed-tags.ts";
import { type PushedManifest, parsePushedManifest } from "./pushed-manifest.ts";

/** What {@link takeManifest} works with. */
export interface TakeManifestDeps {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobWriter, "openIngest" | "settle">;
  readonly room: Pick<BlobRoom, "hold" | "release">;
  readonly inUse: Pick<BlobsInUse, "hold">;
  readonly known: Pick<KnownBlobs, "add" | "find">;
  readonly offering: Pick<Offering, "add">;
  readonly writer: Pick<RegistryWriter, "blobSize" | "hasManifest">;
  readonly queue: Pick<PushQueue, "add">;
  readonly tags: PushedTags;
  /** Two pushes of one tag are taken one after the other. */
  readonly tagLock: KeyedLock<string>;
}

/** A manifest as a client pushes it. */
export interface ManifestUpload extends Repository {
  readonly name: ManifestName;
  readonly bytes: Uint8Array;
  /** Of the request's `Content-Type`; left out when it names none. */
  readonly mediaType: string | undefined;
}

/** Questions to the registry about one manifest: how many at once, and for how long. */
const questionsMax = 4;
const questionsTimeoutMs = 30_000;

/** Blobs of one manifest that are waited for to be on disk at once. */
const settlingMax = 4;

/**
 * Takes a manifest in: once this settles it is on disk with its tag, offered to the swarm, and
 * on its way to the registry.
 *
 * @throws {ApiError} MANIFEST_INVALID, or MANIFEST_BLOB_UNKNOWN for what is neither here nor there.
 * @throws {DigestMismatchError} when it was pushed under another digest than its own.
 * @throws {StorageFullError}
 * @throws {UnavailableError} when too much waits for the registry, or it had to be asked.
 */
export async function takeManifest(
  upload: ManifestUpload,
  deps: TakeManifestDeps,
  { signal }: Cancellable,
): Promise<Descriptor> {
  const { registry, repository, name, bytes } = upload;
  const descriptor = { digest: digestFor(name, bytes), size: bytes.byteLength };
  const manifest = parsePushedManifest(bytes, upload.mediaType);
  const place = { registry, repository };
  const named = [...manifest.blobs, ...manifest.manifests];
  // Nothing of it may leave between the look and the record that keeps it.
  const hold = deps.inUse.hold([descriptor.digest, ...named.map(({ digest }) => digest)]);
  try {
    await checkNamed(place, manifest, { ...deps, signal });
    const { blobs, manifests, mediaType } = manifest;
    const whole = { ...descriptor, mediaType };
    const record = await store(bytes, whole, deps);
    await settle([whole, ...named], deps);
    const push = { kind: "manifest", ...place, descriptor: whole, blobs, manifests } as const;
    if ("tag" in name) {
      const { tag } = name;
      await deps.tagLock.run(formatImageReference({ ...place, tag }), async () => {
        await deps.queue.add(push, { kind: "tag", ...place, tag, descriptor: whole });
        await deps.tags.note({ ...place, tag }, whole, "pushed");
      });
    } else await deps.queue.add(push);
    for (const part of [whole, ...named]) {
      if (!deps.known.find(part.digest)) deps.known.add({ ...place, descriptor: part });
    }
    deps.offering.add(record);
    return whole;
  } finally {
    hold[Symbol.dispose]();
  }
}

function digestFor(name: ManifestName, bytes: Uint8Array): Descriptor["digest"] {
  const algorithm = "digest" in name ? algorithmOf(name.digest) : "sha256";
  const digest = digestFromHash(createHash(algorithm).update(bytes), algorithm);
  if ("digest" in name && name.digest !== digest)
    throw new DigestMismatchError(name.digest, digest);
  return digest;
}

/** @throws {ApiError} MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID */
async function checkNamed(
  place: Repository,
  { blobs, manifests }: PushedManifest,
  { store, writer, signal }: Pick<TakeManifestDeps, "store" | "writer"> & Cancellable,
): Promise<void> {
  const limiter = new Limiter(questionsMax);
  const deadline = createDeadline(signal, questionsTimeoutMs);
  const check = async ({ digest, size }: Descriptor, kind: "blob" | "manifest") => {
    const sizeHere = store.find(digest)?.whole === true ? store.find(digest)?.size : undefined;
    const isHere = sizeHere !== undefined;
    const options = { signal: deadline.signal };
    const isThere = async () =>
      kind === "manifest"
        ? writer.hasManifest({ ...place, digest }, options)
        : (await writer.blobSize({ ...place, digest }, options)) !== undefined;
    if (!isHere && !(await limiter.run(deadline.signal, isThere))) {
      throw new ApiError("MANIFEST_BLOB_UNKNOWN", `Cannot take the manifest: want ${digest} first`);
    }
    if (isHere && sizeHere !== size) {
      const why = `Cannot take the manifest: ${digest} has ${sizeHere} bytes, not ${size}`;
      throw new ApiError("MANIFEST_INVALID", why);
    }
  };
  try {
    await Promise.all([
      ...blobs.map((blob) => check(blob, "blob")),
      ...manifests.map((manifest) => check(manifest, "manifest")),
    ]);
  } finally {
    deadline.abort();
    deadline[Symbol.dispose]();
  }
}

/** A note that outlives a power cut is no use without the bytes of what it names. */
async function settle(
  descriptors: readonly Descriptor[],
  { store: blobs }: Pick<TakeManifestDeps, "store">,
): Promise<void> {
  const limiter = new Limiter(settlingMax);
  const { signal } = new AbortController();
  const settling = descriptors.map(({ digest }) => limiter.run(signal, () => blobs.settle(digest)));
  await Promise.all(settling);
}

/** Makes the manifest a blob like others. */
async function store(
  bytes: Uint8Array,
  { digest: expected, size }: Descriptor,
  { store: blobs, room }: Pick<TakeManifestDeps, "store" | "room">,
): Promise<BlobRecord> {
  const ref = `push-manifest ${randomUUID()}`;
  await room.hold(ref, size);
  try {
    const ingest = await blobs.openIngest(ref, { total: size });
    try {
      await ingest.write(bytes);
      const provenance = "pull";
      return await ingest.commit({ expected, size, labels: {}, provenance, owned: false });
    } finally {
      await ingest.close();
    }
  } finally {
    room.release(ref);
  }
}
