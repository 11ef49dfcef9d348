import type { Descriptor } from "../core/descriptor.ts";
import { BlobSizeError, DigestMismatchError, StorageFullError } from "../core/errors.ts";
import type { BlobRecord, BlobWriter } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Origin, Repository } from "../core/ports/origin.ts";

/** A blob, and the repository that it may be had from. */
export interface OriginBlob extends Repository {
  readonly descriptor: Descriptor;
}

/** Told how many bytes of a blob are here. */
export type OnBytes = (bytes: number) => void;

/**
 * Fetches a blob from its origin into the store, going on where an earlier try ended.
 * Its pieces are hashed as it is written. Nothing is kept of bytes that are not the
 * digest's, nor where the disk is full: a half must not be what fills it.
 *
 * @param onBytes Told how much was here before, and then after each chunk.
 * @throws {BlobSizeError} and {DigestMismatchError} when the origin gives other bytes.
 * @throws what the origin and the store throw
 */
export async function fetchBlob(
  blob: OriginBlob,
  {
    store,
    origin,
    onBytes,
    signal,
  }: Cancellable & {
    readonly store: Pick<BlobWriter, "openIngest" | "abortIngest">;
    readonly origin: Pick<Origin, "blob">;
    readonly onBytes: OnBytes;
  },
): Promise<BlobRecord> {
  const { digest, size } = blob.descriptor;
  // The digest is a ref that nobody else uses; a half is found again under it.
  const ingest = await store.openIngest(digest, { total: size });
  try {
    onBytes(ingest.status.offset);
    for await (const chunk of origin.blob(blob, { start: ingest.status.offset, signal })) {
      await ingest.write(chunk);
      onBytes(ingest.status.offset);
    }
    const provenance = "pull";
    const options = { expected: digest, size, labels: {}, provenance, owned: false } as const;
    return await ingest.commit(options);
  } catch (error) {
    if (isBeyondResume(error)) await store.abortIngest(digest);
    throw error;
  } finally {
    await ingest.close();
  }
}

/** A half that cannot become the blob must not be found again by the next try. */
function isBeyondResume(error: unknown): boolean {
  return (
    error instanceof BlobSizeError ||
    error instanceof DigestMismatchError ||
    error instanceof StorageFullError
  );
}
