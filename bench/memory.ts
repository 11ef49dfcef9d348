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
  summary: "peak memory of a content proxy for a blob of 4 GiB: against one of 100 MiB",
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
    large: await write("large", sizeBytes),
    small: await write("small", smallSizeBytes),
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

/** The most memory that a new daemon takes to get a blob from a swarm. */
function peakOfDownload(blob: SampleBlob, { signal }: BenchContext): Promise<number> {
  return withDisposeStack(async (stack) => {
    const { path: directory } = stack.use(await createTemporaryDirectory());
    const stand = stack.use(await startProxyStand(directory, { signal }));
    stack.use(await offerBlob(blob, stand, { signal }));
    await pullBlob({ digest: blob.metainfo.digest, size: blob.size }, stand, { signal });
    const what = "the blob to arrive";
    await pollUntil(() => isWhole(stand), { what, withinMs: arrivesWithinMs, signal });
    return (await usageOf(pidOf(stand.proxy))).rssMaxBytes;
  });
}

/** The most memory that a new daemon takes while containerd writes a blob. */
function peakOfWrite(blob: SampleBlob, { signal }: BenchContext): Promise<number> {
  return withDisposeStack(async (stack) => {
    const { path: directory } = stack.use(await createTemporaryDirectory());
    const stand = stack.use(await startProxyStand(directory, { signal }));
    const chunks = readSampleBlob(blob);
    await stand.client.write(blob.metainfo.digest, { size: blob.size, chunks });
    return (await usageOf(pidOf(stand.proxy))).rssMaxBytes;
  });
}
