import type { BlobReader, BlobRecord } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** Reads a whole blob into memory: one whose size the caller has looked at. */
export async function readBlob(
  store: Pick<BlobReader, "read">,
  { digest, size }: Pick<BlobRecord, "digest" | "size">,
  { signal }: Cancellable,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.read(digest, { start: 0, end: size }, { signal })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
