import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";

/** Often enough for a bound of 300 ms, and seldom enough not to be in the way. */
const lookIntervalMs = 20;

/** Layers of what is measured: not the small blobs that come before them, nor what was pulled before. */
const layerSizeMin = 10_000_000;

/**
 * Resolves with the time, by `performance.now()`, when a seeder first tells of bytes of a layer
 * that it has; no later than the interval after they came.
 */
export async function untilFirstBytesAt(
  seeder: ShoalDaemon,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  for (;;) {
    const askedMs = performance.now();
    const { ingests = [] } = await seeder.status();
    if (ingests.some(({ bytes, size }) => size >= layerSizeMin && bytes > 0)) return askedMs;
    await sleep(lookIntervalMs, undefined, { signal });
  }
}

/**
 * Resolves with the time, by `performance.now()`, when the first bytes of a layer are in a node's
 * content store. It looks at the files: a node that answers questions has less time for its pull.
 */
export async function untilFirstBytesIn(
  storePath: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  for (;;) {
    if (await hasLayerBytes(storePath)) return performance.now();
    await sleep(lookIntervalMs, undefined, { signal });
  }
}

/** Whether a layer arrives of which something is on the disk, or was written or ended already. */
async function hasLayerBytes(storePath: string): Promise<boolean> {
  const ingests = await namesIn(join(storePath, "ingest"));
  const paths = [
    ...ingests.map((name) => join(storePath, "ingest", name, "data")),
    ...(await pathsIn(join(storePath, "shoal", "v1", "arriving", "sha256"))),
    ...(await pathsIn(join(storePath, "blobs", "sha256"))),
  ];
  for (const path of paths) {
    const status = await stat(path).catch(() => undefined);
    if (status && status.size >= layerSizeMin && status.blocks > 0) return true;
  }
  return false;
}

async function pathsIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

/** None where the folder is not there yet. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
