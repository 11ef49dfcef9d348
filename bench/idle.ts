import { randomBytes } from "node:crypto";

import { digestOf } from "../core/digest.ts";
import { pause } from "../core/async/pause.ts";
import { pollUntil } from "../integration/support/poll.ts";
import { chunksOf } from "./content/content-client.ts";
import { pidOf, startProxyStand, type ProxyStand } from "./content/proxy-stand.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { usageOf } from "./process-usage.ts";

const blobCount = 1000;

/** Length of each blob: what matters is how many there are. */
const defaultSizeBytes = 256 * 1024;

const mebibyte = 2 ** 20;

/** How long a daemon may take to offer all of its blobs after a start. */
const seedingWithinMs = 60_000;

/** What a start, or the last blob, has left is collected by then. */
const settleMs = 10_000;

/** Of how much time the use of the processor is told. */
const idleMs = 10_000;

/** What a daemon costs that does nothing but offer a node's blobs. */
export const idle: Measurement = {
  name: "idle",
  summary: "memory of a content proxy with 1,000 seeded blobs",
  rounds: 1,
  withinMs: 10 * 60_000,
  run: measureIdle,
};

async function measureIdle(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, stack, tell, sizeBytes = defaultSizeBytes } = context;
  const stand = stack.use(await startProxyStand(directory, { signal }));
  await pause(settleMs, signal);
  const empty = await usageOf(pidOf(stand.proxy));
  tell(`writing ${blobCount} blobs`);
  for (let index = 0; index < blobCount; index++) {
    signal.throwIfAborted();
    const bytes = randomBytes(sizeBytes);
    await stand.client.write(digestOf(bytes), { size: sizeBytes, chunks: chunksOf(bytes) });
  }
  await allSeeded(stand, signal);
  const worked = await idleUsage(stand, signal);

  const started: IdleUsage[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1}: starting again`);
    await stand.proxy.stop();
    await stand.proxy.resume({ signal });
    await allSeeded(stand, signal);
    started.push(await idleUsage(stand, signal));
  }
  const rss = ({ rssBytes }: Pick<IdleUsage, "rssBytes">) => rssBytes / mebibyte;
  return [
    { name: "idle.rss", unit: "MiB", ours: started.map(rss), hold: { atMost: 160 } },
    { name: "idle.rss.worked", unit: "MiB", ours: [rss(worked)], hold: { atMost: 160 } },
    { name: "idle.rss.empty", unit: "MiB", ours: [rss(empty)] },
    { name: "idle.cpu", unit: "% of a core", ours: started.map(({ cpuPercent }) => cpuPercent) },
  ];
}

async function allSeeded({ proxy }: ProxyStand, signal: AbortSignal): Promise<void> {
  const check = async () => ((await proxy.status()).swarms?.length ?? 0) >= blobCount;
  await pollUntil(check, { what: "all blobs to be seeded", withinMs: seedingWithinMs, signal });
}

interface IdleUsage {
  readonly rssBytes: number;
  readonly cpuPercent: number;
}

async function idleUsage({ proxy }: ProxyStand, signal: AbortSignal): Promise<IdleUsage> {
  await pause(settleMs, signal);
  const before = await usageOf(pidOf(proxy));
  await pause(idleMs, signal);
  const { rssBytes, cpuSeconds } = await usageOf(pidOf(proxy));
  return { rssBytes, cpuPercent: ((cpuSeconds - before.cpuSeconds) / (idleMs / 1000)) * 100 };
}
