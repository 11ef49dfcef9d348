import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError, InvalidArgumentError } from "../../core/errors.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/**
 * Reads a small blob, such as a manifest.
 *
 * @throws {BlobNotFoundError} when it is not here whole.
 * @throws {InvalidArgumentError} when it is longer than `lengthMax` bytes.
 */
export async function readWhole(
  digest: Digest,
  options: Cancellable & {
    readonly store: Pick<BlobReader, "find" | "read">;
    readonly lengthMax: number;
  },
): Promise<Buffer> {
  const { store, lengthMax, signal } = options;
  const record = store.find(digest);
  if (record?.whole !== true) throw new BlobNotFoundError(digest);
  if (record.size > lengthMax) throw new InvalidArgumentError(`Cannot read ${digest}: too long`);
  const chunks: Uint8Array[] = [];
  const range = { start: 0, end: record.size };
  for await (const chunk of store.read(digest, range, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
