import { createDeadline } from "../../core/async/deadline.ts";
import type { Offering } from "../../core/blob-life/offering.ts";
import type { Digest } from "../../core/digest.ts";
import { CodedError } from "../../core/errors.ts";
import { isRepository } from "../../core/image-reference.ts";
import type { BlobReader, BlobRecord, BlobWriter } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Repository } from "../../core/ports/origin.ts";
import type { RegistryWriter } from "../../core/ports/registry-writer.ts";
import type { BlobsInUse } from "../blobs-in-use.ts";
import type { KnownBlobs } from "../known-blobs.ts";
import type { PushQueue } from "./push-queue.ts";

/** What {@link takeBlob} and {@link linkBlob} work with. */
export interface TakeBlobDeps {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobWriter, "settle">;
  readonly inUse: Pick<BlobsInUse, "hold">;
  readonly known: Pick<KnownBlobs, "add" | "find">;
  readonly offering: Pick<Offering, "add">;
  readonly writer: Pick<RegistryWriter, "blobSize" | "mountBlob">;
  readonly queue: Pick<PushQueue, "add">;
}

/** What blobs of unknown kind are. */
const mediaType = "application/octet-stream";

/** Milliseconds that a registry may take to hand a blob over: else the client uploads it. */
const mountTimeoutMs = 5000;

/**
 * Takes a blob in that a client uploaded: once this settles it is on disk with the note that
 * its registry is still to get it, and it is offered to the swarm.
 *
 * @param options.finish Makes the bytes a blob.
 * @throws {UnavailableError} when too much waits for the registry.
 * @throws what `finish` throws
 */
export async function takeBlob(
  place: Repository,
  options: TakeBlobDeps & { readonly digest: Digest; readonly finish: () => Promise<BlobRecord> },
): Promise<void> {
  const { inUse, digest, finish } = options;
  const hold = inUse.hold([digest]);
  try {
    await keep(place, await finish(), options);
  } finally {
    hold[Symbol.dispose]();
  }
}

/**
 * Takes a blob over from another repository of the same registry: one that is here, or one that
 * the registry itself hands over. False when it can do neither.
 */
export async function linkBlob(
  place: Repository,
  options: TakeBlobDeps &
    Cancellable & { readonly digest: Digest; readonly from?: string | undefined },
): Promise<boolean> {
  const { store, inUse, digest, from } = options;
  const mountFrom = from !== undefined && isRepository(from) ? from : undefined;
  const hold = inUse.hold([digest]);
  try {
    const record = store.find(digest);
    if (record?.whole !== true) {
      return mountFrom !== undefined && (await mountThere(place, { ...options, from: mountFrom }));
    }
    await keep(place, record, { ...options, mountFrom });
    return true;
  } finally {
    hold[Symbol.dispose]();
  }
}

/** Has the registry itself take a blob over that is not here. False when it does not. */
async function mountThere(
  { registry, repository }: Repository,
  options: TakeBlobDeps & Cancellable & { readonly digest: Digest; readonly from: string },
): Promise<boolean> {
  const { known, writer, digest, from } = options;
  const deadline = createDeadline(options.signal, mountTimeoutMs);
  const { signal } = deadline;
  try {
    const size = await writer.blobSize({ registry, repository: from, digest }, { signal });
    if (size === undefined) return false;
    const isTaken = await writer.mountBlob({ registry, repository, digest }, { from, signal });
    if (isTaken) known.add({ registry, repository, descriptor: { mediaType, digest, size } });
    return isTaken;
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof CodedError || signal.aborted) return false;
    throw error;
  } finally {
    deadline[Symbol.dispose]();
  }
}

async function keep(
  { registry, repository }: Repository,
  record: BlobRecord,
  options: TakeBlobDeps & { readonly mountFrom?: string | undefined },
): Promise<void> {
  const { store, queue, known, offering, mountFrom } = options;
  const { digest, size } = record;
  const descriptor = { mediaType, digest, size };
  // A note that outlives a power cut is no use without the bytes.
  await store.settle(digest);
  await queue.add({
    ...{ kind: "blob", registry, repository, descriptor },
    ...(mountFrom !== undefined && { mountFrom }),
  });
  // Where it came from before is where it can be had now.
  if (!known.find(digest)) known.add({ registry, repository, descriptor });
  offering.add(record);
}
