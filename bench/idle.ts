import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { digestOf } from "../core/digest.ts";
import { pause } from "../core/async/pause.ts";
import { pollUntil } from "../integration/support/poll.ts";
import { contentStorePath } from "../integration/support/shoal-config.ts";
import { chunksOf } from "./content/content-client.ts";
import { pidOf, startProxyStand, type ProxyStand } from "./content/proxy-stand.ts";
import type { Figure } from "./figure.ts";
import { addSeededBlobs } from "./idle/seeded-store.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { socketCountOf, usageOf } from "./process-usage.ts";

/** Blobs of a node, and of one that keeps much. */
const counts = { usual: 1000, many: 5000 };

/** Length of each blob that is written: what matters is how many there are. */
const defaultSizeBytes = 256 * 1024;

/** Length of those that only lie there: a daemon reads no byte of them before a peer asks. */
const placedSizeBytes = 16 * 1024;

const mebibyte = 2 ** 20;

/** How long a daemon may take to offer all of its blobs after a start. */
const seedingWithinMs = 60_000;

/** What a start, or the last blob, has left is collected by then. */
const settleMs = 10_000;

/** Of how much time the use of the processor is told: ticks of 10 ms are 0.05 % of it. */
const idleMs = 20_000;

/** Listeners of swarm, admin and gRPC, its client, and trackers: nothing that grows with blobs. */
const socketsMax = 16;

/** What a daemon costs that does nothing but offer a node's blobs. */
export const idle: Measurement = {
  name: "idle",
  summary: "memory and processor of a content proxy with 1,000 and with 5,000 seeded blobs",
  rounds: 1,
  withinMs: 10 * 60_000,
  run: measureIdle,
};

async function measureIdle(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, stack, tell, sizeBytes = defaultSizeBytes } = context;
  const stand = stack.use(await startProxyStand(directory, { signal }));
  await pause(settleMs, signal);
  const empty = await usageOf(pidOf(stand.proxy));
  tell(`writing ${counts.usual} blobs`);
  for (let index = 0; index < counts.usual; index++) {
    signal.throwIfAborted();
    const bytes = randomBytes(sizeBytes);
    await stand.client.write(digestOf(bytes), { size: sizeBytes, chunks: chunksOf(bytes) });
  }
  await allSeeded(stand, { count: counts.usual, signal });
  const worked = await idleUsage(stand, signal);

  const usual = await afterStarts(stand, { rounds, count: counts.usual, signal, tell });
  await stand.proxy.stop();
  tell(`placing ${counts.many - counts.usual} blobs`);
  const root = contentStorePath(join(directory, "proxy"));
  const count = counts.many - counts.usual;
  await addSeededBlobs(root, { count, sizeBytes: placedSizeBytes, signal });
  const many = await afterStarts(stand, { rounds, count: counts.many, signal, tell });
  const rss = ({ rssBytes }: Pick<IdleUsage, "rssBytes">) => rssBytes / mebibyte;
  return [
    ...figuresOf(usual, { suffix: "", rssMax: 128 }),
    ...figuresOf(many, { suffix: `.${counts.many}`, rssMax: 256 }),
    { name: "idle.rss.worked", unit: "MiB", ours: [rss(worked)], hold: { atMost: 144 } },
    { name: "idle.rss.empty", unit: "MiB", ours: [rss(empty)] },
  ];
}

interface IdleUsage {
  readonly rssBytes: number;
  readonly cpuPercent: number;
  readonly sockets: number;
}

function figuresOf(
  usages: readonly IdleUsage[],
  { suffix, rssMax }: { readonly suffix: string; readonly rssMax: number },
): Figure[] {
  const figure = (what: string, unit: string, ours: readonly number[], atMost: number): Figure => ({
    ...{ name: `idle.${what}${suffix}`, unit, ours, hold: { atMost } },
  });
  const rss = usages.map(({ rssBytes }) => rssBytes / mebibyte);
  const cpu = usages.map(({ cpuPercent }) => cpuPercent);
  const sockets = usages.map((usage) => usage.sockets);
  return [
    figure("rss", "MiB", rss, rssMax),
    figure("cpu", "% of a core", cpu, 1),
    figure("sockets", "sockets", sockets, socketsMax),
  ];
}

/** What a daemon with these blobs uses some time after each of its starts. */
async function afterStarts(
  stand: ProxyStand,
  options: Pick<BenchContext, "rounds" | "signal" | "tell"> & { readonly count: number },
): Promise<readonly IdleUsage[]> {
  const { rounds, count, signal, tell } = options;
  const usages: IdleUsage[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1}: starting with ${count} blobs`);
    await stand.proxy.stop();
    // Forgets the blobs: that it knows all of them again says that all are announced.
    await stand.tracker.stop();
    await stand.tracker.resume({ signal });
    await stand.proxy.resume({ signal });
    await allSeeded(stand, { count, signal });
    usages.push(await idleUsage(stand, signal));
  }
  return usages;
}

/** The daemon itself is not asked: what it tells takes memory that would be counted. */
async function allSeeded(
  { tracker }: ProxyStand,
  { count, signal }: { readonly count: number; readonly signal: AbortSignal },
): Promise<void> {
  const check = async () => ((await tracker.status()).directory?.entries ?? 0) >= count;
  const what = `${count} blobs to be seeded`;
  await pollUntil(check, { what, withinMs: seedingWithinMs, intervalMs: 500, signal });
}

async function idleUsage({ proxy }: ProxyStand, signal: AbortSignal): Promise<IdleUsage> {
  const pid = pidOf(proxy);
  await pause(settleMs, signal);
  const before = await usageOf(pid);
  await pause(idleMs, signal);
  const { rssBytes, cpuSeconds } = await usageOf(pid);
  const cpuPercent = ((cpuSeconds - before.cpuSeconds) / (idleMs / 1000)) * 100;
  return { rssBytes, cpuPercent, sockets: await socketCountOf(pid) };
}
