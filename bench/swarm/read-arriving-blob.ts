import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import type { Download } from "../../core/ports/swarm.ts";
import type { ReaderReport } from "./leecher-report.ts";

/** Bytes that are read at once. */
const chunkLength = 2 ** 20;

/** Compressed bytes that an unpack on a core of its own takes in. */
const unpackBytesPerSecond = 100e6;

export interface ReadArrivingBlobOptions {
  readonly path: string;
  readonly size: number;
  readonly signal: AbortSignal;
}

/** Reads a blob from its start to its end while it arrives, as fast as an unpack would. */
export async function readArrivingBlob(
  download: Pick<Download, "availableEnd" | "ready">,
  { path, size, signal }: ReadArrivingBlobOptions,
): Promise<ReaderReport> {
  const start = performance.now();
  const file = await open(path, "r");
  const buffer = Buffer.allocUnsafe(chunkLength);
  let [firstByteMs, longestWaitMs] = [0, 0];
  try {
    for (let offset = 0; offset < size;) {
      const waitedFrom = performance.now();
      const chunkEnd = Math.min(size, offset + chunkLength);
      if (download.availableEnd(offset) === offset) {
        // As an unpack in the content proxy does.
        await download.ready({ start: offset, end: offset + 1 }, { signal });
      }
      longestWaitMs = Math.max(longestWaitMs, performance.now() - waitedFrom);
      const end = Math.min(chunkEnd, download.availableEnd(offset));
      const { bytesRead } = await file.read(buffer, 0, end - offset, offset);
      if (offset === 0) firstByteMs = performance.now() - start;
      offset += bytesRead;
      await delay((bytesRead / unpackBytesPerSecond) * 1000, undefined, { signal });
    }
    return { firstByteMs, longestWaitMs, wholeMs: performance.now() - start };
  } finally {
    await file.close();
  }
}
