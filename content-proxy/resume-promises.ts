import type { BlobArrivals, BlobReader } from "../core/ports/blob-store.ts";
import type { Arrivals } from "./arrivals.ts";

/**
 * Goes on with the blobs that containerd was promised before the last end of this
 * program. What only was on its way, with no promise, waits in the store for a while for
 * a pull to ask for it again.
 */
export function resumePromises(
  store: Pick<BlobArrivals, "arriving"> & Pick<BlobReader, "find">,
  arrivals: Arrivals,
): void {
  for (const digest of store.arriving()) {
    const record = store.find(digest);
    if (record?.owned) arrivals.start({ digest, size: record.size, promised: true });
    else arrivals.discardLater(digest);
  }
}
