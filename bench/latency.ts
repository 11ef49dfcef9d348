import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { pause } from "../core/async/pause.ts";
import { digestOf } from "../core/digest.ts";
import { offerBlob, startProxyStand, type ProxyStand } from "./content/proxy-stand.ts";
import { isWhole, pullBlob } from "./content/pull-blob.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { writeSampleBlob } from "./sample-blob.ts";
import { percentile } from "./statistics.ts";
import { syncFile } from "./sync-file.ts";

const defaultSizeBytes = 2 ** 30;

/** Milliseconds that containerd may be kept waiting inside the lock of its database. */
const answerWithinMs = 5;

/** Length of the blobs that are committed meanwhile: that of a config. */
const smallBlobLength = 4096;

/** Probes of an idle daemon, to tell how much of the latency is the machine's own. */
const idleProbes = 300;

/** Milliseconds between two look-ups: more would be a load of its own, and no containerd's. */
const probePauseMs = 4;

/** Probes that a p99 needs at least to mean anything. */
const probesMin = 50;

/** How long containerd waits, inside its database lock, while we are busy. */
export const latency: Measurement = {
  name: "latency",
  summary: "p99 of Info, first STAT, COMMIT during a swarm download of 1 GiB at full speed",
  rounds: 3,
  withinMs: 10 * 60_000,
  run: measureLatency,
};

/** The calls that containerd makes inside its lock. */
const calls = ["info", "stat", "commit"] as const;

/** What is timed: those calls, and what the disk itself takes for a file that small. */
type Call = (typeof calls)[number] | "disk";
type Times = Readonly<Record<Call, number[]>>;

async function measureLatency(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, directory, signal, stack, tell, sizeBytes = defaultSizeBytes } = context;
  const stand = stack.use(await startProxyStand(directory, { signal }));
  tell("probing the idle daemon");
  const idle = noTimes();
  for (let probe = 0; probe < idleProbes; probe++) {
    await probeLookUp(stand, idle);
    await probeCommit(stand, idle);
  }

  const busy = noTimes();
  const rates: number[] = [];
  for (let round = 0; round < rounds; round++) {
    tell(`round ${round + 1}: writing a blob`);
    const blobDirectory = join(directory, "peer");
    const options = { size: sizeBytes, seed: `latency ${round}`, directory: blobDirectory };
    const blob = await writeSampleBlob(options);
    const peer = stack.use(await offerBlob(blob, stand, { signal }));
    tell(`round ${round + 1}: downloading and probing`);
    const start = performance.now();
    await pullBlob({ digest: blob.metainfo.digest, size: sizeBytes }, stand, { signal });
    await probeUntilWhole(stand, { times: busy, signal });
    rates.push(sizeBytes / 1e6 / ((performance.now() - start) / 1000));
    await peer[Symbol.asyncDispose]();
  }
  const probes = Math.min(busy.info.length, busy.commit.length);
  tell(`${busy.info.length} look-ups and ${busy.commit.length} commits at full speed`);
  if (probes < probesMin) {
    throw new Error(`Cannot tell a p99 by ${probes} probes: the downloads were too short`);
  }
  return [
    ...calls.map((call) => ({ ...p99Figure(call, busy), hold: { atMost: answerWithinMs } })),
    p99Figure("disk", busy),
    ...calls.map((call) => ({ ...p99Figure(call, idle), name: `latency.${call}.idle` })),
    { name: "latency.download", unit: "MB/s", ours: rates },
  ];
}

/** All rounds count as one: a p99 wants many probes. */
function p99Figure(call: Call, times: Times): Figure {
  return { name: `latency.${call}`, unit: "ms", ours: [percentile(times[call], 0.99)] };
}

/** Probes again and again until all of the blob is here. */
async function probeUntilWhole(
  stand: ProxyStand,
  { times, signal }: { readonly times: Times; readonly signal: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const commits = (async () => {
    while (!over.signal.aborted) await probeCommit(stand, times);
  })();
  try {
    while (!(await isWhole(stand))) {
      await probeLookUp(stand, times);
      await pause(probePauseMs, signal);
    }
  } finally {
    over.abort();
    await commits;
  }
}

/** Asks for a blob that is not there, and begins to write it, as each blob of a pull begins. */
async function probeLookUp({ client }: ProxyStand, times: Times): Promise<void> {
  const digest = digestOf(randomBytes(16));
  await timed(times.info, () => client.has(digest));
  // Not the ref of a pull: nobody is to be asked for it.
  const writer = client.openWrite(`default/1/bench-${digest}`, smallBlobLength);
  await timed(times.stat, () => writer.stat());
  await writer.end();
}

/** Writes and commits a small blob, then a file as small beside it. */
async function probeCommit({ client, directory }: ProxyStand, times: Times): Promise<void> {
  const bytes = randomBytes(smallBlobLength);
  const digest = digestOf(bytes);
  // As containerd fetches a config from a registry: the last WRITE is outside of its lock.
  const writer = client.openWrite(`default/1/config-${digest}`, bytes.byteLength);
  await writer.stat();
  await writer.write(bytes);
  await timed(times.commit, () => writer.commit(digest));
  await writer.end();

  const path = join(directory, "disk-probe");
  await writeFile(path, bytes);
  await timed(times.disk, () => syncFile(path));
}

async function timed(times: number[], call: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await call();
  times.push(performance.now() - start);
}

function noTimes(): Times {
  return { info: [], stat: [], commit: [], disk: [] };
}
