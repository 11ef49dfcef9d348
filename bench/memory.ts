import { join } from "node:path";

import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { pollUntil } from "../integration/support/poll.ts";
import { createTemporaryDirectory } from "../integration/support/temporary-directory.ts";
import { alternate } from "./alternate.ts";
import { offerBlob, pidOf, startProxyStand } from "./content/proxy-stand.ts";
import { isWhole, pullBlob } from "./content/pull-blob.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { usageOf } from "./process-usage.ts";
import { readSampleBlob, writeSampleBlob, type SampleBlob } from "./sample-blob.ts";

const smallSizeBytes = 100 * 2 ** 20;

/**
 * Small blobs that come one after the other: with one of them alone, which is there within half a second,
 * a daemon has not yet taken what it works with.
 */
const smallCount = 10;

const defaultSizeBytes = 4 * 2 ** 30;

const mebibyte = 2 ** 20;

/**
 * How much more the large blob may take: the collector of garbage runs when it likes, and
 * metainfo has 20 bytes for each MiB. Anything that grows with the blob is far above.
 */
const tolerance = 1.15;

/** How long a blob may take on a busy machine. */
const arrivesWithinMs = 5 * 60_000;

/** Whether memory grows with the size of a blob. */
export const memory: Measurement = {
  name: "memory",
  summary: "peak memory of a content proxy for a blob of 4 GiB: against some of 100 MiB, in turn",
  rounds: 2,
  withinMs: 20 * 60_000,
  run: measureMemory,
};

async function measureMemory(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, tell, sizeBytes = defaultSizeBytes } = context;
  const blobDirectory = join(context.directory, "blobs");
  const write = (seed: string, size: number) =>
    writeSampleBlob({ size, seed, directory: blobDirectory });
  tell("writing the blobs");
  const blobs = {
    large: [await write("large", sizeBytes)],
    small: await writeSmallBlobs(write),
  };

  const figures: Figure[] = [];
  for (const [way, peakOf] of Object.entries({ download: peakOfDownload, write: peakOfWrite })) {
    const { large, small } = await alternate(
      { large: () => peakOf(blobs.large, context), small: () => peakOf(blobs.small, context) },
      { rounds, signal, onTurn: (side, round) => tell(`${way}, round ${round + 1}: ${side} blob`) },
    );
    const name = `memory.${way}`;
    const toMebibytes = (peak: number) => peak / mebibyte;
    figures.push({
      ...{ name, unit: "MiB", hold: { atMost: tolerance } },
      ours: large.map(toMebibytes),
      reference: small.map(toMebibytes),
    });
  }
  return figures;
}

async function writeSmallBlobs(
  write: (seed: string, size: number) => Promise<SampleBlob>,
): Promise<SampleBlob[]> {
  const blobs: SampleBlob[] = [];
  while (blobs.length < smallCount)
    blobs.push(await write(`small ${blobs.length}`, smallSizeBytes));
  return blobs;
}

/** The most memory that a new daemon takes to get blobs from a swarm, one after the other. */
function peakOfDownload(blobs: readonly SampleBlob[], { signal }: BenchContext): Promise<number> {
  return withDisposeStack(async (stack) => {
    const { path: directory } = stack.use(await createTemporaryDirectory());
    const stand = stack.use(await startProxyStand(directory, { signal }));
    for (const blob of blobs) {
      const peer = await offerBlob(blob, stand, { signal });
      stack.use(peer);
      await pullBlob({ digest: blob.metainfo.digest, size: blob.size }, stand, { signal });
      const what = "the blob to arrive";
      await pollUntil(() => isWhole(stand), { what, withinMs: arrivesWithinMs, signal });
      await peer[Symbol.asyncDispose]();
    }
    return (await usageOf(pidOf(stand.proxy))).rssMaxBytes;
  });
}

/** The most memory that a new daemon takes while containerd writes blobs, one after the other. */
function peakOfWrite(blobs: readonly SampleBlob[], { signal }: BenchContext): Promise<number> {
  return withDisposeStack(async (stack) => {
    const { path: directory } = stack.use(await createTemporaryDirectory());
    const stand = stack.use(await startProxyStand(directory, { signal }));
    for (const blob of blobs) {
      const chunks = readSampleBlob(blob);
      await stand.client.write(blob.metainfo.digest, { size: blob.size, chunks });
    }
    return (await usageOf(pidOf(stand.proxy))).rssMaxBytes;
  });
}
