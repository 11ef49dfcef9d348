import type { Descriptor } from "../core/descriptor.ts";
import { BlobSizeError, DigestMismatchError, StorageFullError } from "../core/errors.ts";
import type { BlobRecord, BlobWriter } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Authorization, Origin, Repository } from "../core/ports/origin.ts";
import type { BlobArrival } from "./blob-arrival.ts";

/** A blob, and the repository that it may be had from. */
export interface OriginBlob extends Repository {
  readonly descriptor: Descriptor;
  /** In whose name the origin is asked for it, this once; left out: the seeder's own. */
  readonly authorization?: Authorization | undefined;
}

/** Told how many bytes of a blob are here. */
export type OnBytes = (bytes: number) => void;

/**
 * Fetches a blob from its origin into the store, going on where an earlier try ended.
 * Its pieces are hashed as it is written. Nothing is kept of bytes that are not the
 * digest's, nor where the disk is full: a half must not be what fills it.
 *
 * @param arrival Grows with it, for others to read along.
 * @param onBytes Told how much was here before, and then after each chunk.
 * @throws {BlobSizeError} and {DigestMismatchError} when the origin gives other bytes.
 * @throws what the origin and the store throw
 */
export async function fetchBlob(
  blob: OriginBlob,
  {
    store,
    origin,
    arrival,
    onBytes,
    signal,
  }: Cancellable & {
    readonly store: Pick<BlobWriter, "openIngest" | "abortIngest">;
    readonly origin: Pick<Origin, "blob">;
    readonly arrival: Pick<BlobArrival, "begin" | "grow">;
    readonly onBytes: OnBytes;
  },
): Promise<BlobRecord> {
  const { authorization, descriptor } = blob;
  const { digest, size } = descriptor;
  // The digest is a ref that nobody else uses; a half is found again under it.
  const ingest = await store.openIngest(digest, { total: size });
  try {
    onBytes(ingest.status.offset);
    const start = ingest.status.offset;
    const onTaken = () => arrival.grow(ingest);
    for await (const chunk of origin.blob(blob, { start, authorization, signal })) {
      await ingest.write(chunk, { onTaken });
      await arrival.begin(ingest);
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
