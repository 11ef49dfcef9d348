import type { Digest } from "../core/digest.ts";
import type { BlobArrivals, BlobReader } from "../core/ports/blob-store.ts";
import type { Arrivals } from "./arrivals.ts";

/**
 * Promised blobs that are fetched at once without anybody reading them. If somebody emptied
 * the store, they are all that a node ever pulled. Half of the blobs that are fetched ahead at once
 * by default: what does not come, because nobody has it, leaves room for what a pull wants.
 */
const resumedMax = 4;

/**
 * Goes on with the blobs that containerd was promised before the last end of this
 * program, a few at a time; a read of one that waits for its turn starts it at once. What
 * only was on its way, with no promise, waits in the store for a while for a pull to ask
 * for it again.
 */
export function resumePromises(
  store: Pick<BlobArrivals, "arriving"> & Pick<BlobReader, "find">,
  arrivals: Arrivals,
): void {
  const promised: Digest[] = [];
  for (const digest of store.arriving()) {
    if (store.find(digest)?.owned === true) promised.push(digest);
    else arrivals.discardLater(digest);
  }
  const next = (): void => {
    for (let digest = promised.shift(); digest; digest = promised.shift()) {
      const record = store.find(digest);
      if (arrivals.isClosed || record?.owned !== true || record.whole) continue;
      void arrivals.start({ digest, size: record.size, promised: true }).settled().then(next);
      return;
    }
  };
  for (let started = 0; started < resumedMax; started++) next();
}
