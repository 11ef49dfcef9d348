import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { alternate } from "./alternate.ts";
import type { Figure } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";
import { usageOf } from "./process-usage.ts";
import { crowdPeer, httpAnnounce, udpAnnounce } from "./tracker/crowd-announces.ts";
import { askByHttp } from "./tracker/http-load.ts";
import { batchesOf, heartbeatsOf } from "./tracker/node-batches.ts";
import {
  type TrackerProcess,
  startOurTracker,
  startStockTracker,
} from "./tracker/start-trackers.ts";
import { announceByUdp } from "./tracker/udp-load.ts";

/** Peers of one swarm. */
const crowdSize = 15_000;

/** How long announces are counted, once the swarm is there. */
const countedMs = 4000;

/** Nodes that announce together, and how many torrents each seeds. */
const nodes = 1000;
const torrentCounts = [1000, 5000] as const;

/** What the tracker asks for by default: an announce of everything, and signs of life. */
const intervalSeconds = 600;
const heartbeatSeconds = 15;

/** Signs of life whose use of the processor is measured: one alone is below its resolution. */
const heartbeatsMeasured = 20_000;

/** What announces cost a tracker, by the processor time of its process: what asks costs as much. */
export const tracker: Measurement = {
  name: "tracker",
  summary:
    "announces per second and core: 15,000 peers in one swarm, 1,000 nodes of 5,000 torrents",
  rounds: 1,
  withinMs: 10 * 60_000,
  run: measureTracker,
};

async function measureTracker(context: BenchContext): Promise<readonly Figure[]> {
  const { rounds, signal, tell } = context;
  const onTurn = (side: string, round: number) => tell(`round ${round + 1}: ${side}, one swarm`);
  const { ours, stock } = await alternate(
    {
      ours: () => crowdRates(context, startOurTracker),
      stock: () => crowdRates(context, startStockTracker),
    },
    { rounds, signal, onTurn },
  );
  const loads: NodesLoad[][] = [];
  for (let round = 0; round < rounds; round++) loads.push(await nodesLoads(context));
  const unit = "announces per s and core";
  const hold = { atLeast: 1 };
  return [
    ...(["udp", "http"] as const).map((way) => ({
      ...{ name: `tracker.${way}`, unit, hold },
      ...{ ours: ours.map((rates) => rates[way]), reference: stock.map((rates) => rates[way]) },
    })),
    ...torrentCounts.flatMap((torrents, index) => {
      const of = (key: keyof NodesLoad) => loads.map((load) => load[index]?.[key] ?? Number.NaN);
      const name = `tracker.nodes.${torrents}`;
      return [
        { name: `${name}.load`, unit: "% of a core", ours: of("percent"), hold: { atMost: 5 } },
        { name: `${name}.batched`, unit: "torrents per s and core", ours: of("batched") },
        { name: `${name}.anew`, unit: "s of a core", ours: of("anewSeconds") },
        { name: `${name}.membership`, unit: "bytes", ours: of("bytesEach"), hold: { atMost: 200 } },
      ];
    }),
  ];
}

type Start = (context: BenchContext) => Promise<TrackerProcess>;

async function crowdRates(
  context: BenchContext,
  start: Start,
): Promise<Readonly<Record<"udp" | "http", number>>> {
  return withDisposeStack(async (stack) => {
    const { signal } = context;
    const { pid, place } = stack.use(await start(context));
    const peers = Array.from({ length: crowdSize }, (_, index) => crowdPeer(index));
    await announceByUdp(place, { next: once(peers.map(udpAnnounce)), signal });
    const [udp, http] = [peers.map(udpAnnounce), peers.map(httpAnnounce)];
    return {
      udp: await rateOf(pid, () => announceByUdp(place, { next: forAWhile(udp), signal })),
      http: await rateOf(pid, () => askByHttp(place, { next: forAWhile(http), signal })),
    };
  });
}

interface NodesLoad {
  /** Of a core, all the time. */
  readonly percent: number;
  /** Torrents per second of a core. */
  readonly batched: number;
  /** To take all in that it did not know, as after a restart. */
  readonly anewSeconds: number;
  /** Memory for each torrent of each node. */
  readonly bytesEach: number;
}

/** Begins with a new tracker for each number of torrents. */
async function nodesLoads(context: BenchContext): Promise<NodesLoad[]> {
  const loads: NodesLoad[] = [];
  for (const torrents of torrentCounts) {
    context.tell(`${nodes} nodes, ${torrents} torrents each`);
    loads.push(await withDisposeStack((stack) => nodesLoad({ ...context, stack }, torrents)));
  }
  return loads;
}

async function nodesLoad(context: BenchContext, torrents: number): Promise<NodesLoad> {
  const { signal, stack } = context;
  const { pid, place } = stack.use(await startOurTracker(context));
  const before = await usageOf(pid);
  const announceAll = () => askByHttp(place, { next: nextOf(batchesOf(nodes, torrents)), signal });
  const anewSeconds = await secondsOf(pid, announceAll);
  const { rssBytes } = await usageOf(pid);
  const againSeconds = await secondsOf(pid, announceAll);
  const beatSeconds = await secondsOf(pid, async () => {
    for (let sent = 0; sent < heartbeatsMeasured; sent += nodes) {
      await askByHttp(place, { next: nextOf(heartbeatsOf(nodes)), signal });
    }
  });
  const beats = nodes * (intervalSeconds / heartbeatSeconds);
  const busySeconds = againSeconds + (beatSeconds / heartbeatsMeasured) * beats;
  return {
    percent: (busySeconds / intervalSeconds) * 100,
    batched: (nodes * torrents) / againSeconds,
    anewSeconds,
    bytesEach: (rssBytes - before.rssBytes) / (nodes * torrents),
  };
}

/** How often something was done in a second of the process's processor time. */
async function rateOf(pid: number, work: () => Promise<number>): Promise<number> {
  let count = 0;
  const seconds = await secondsOf(pid, async () => (count = await work()));
  return count / seconds;
}

async function secondsOf(pid: number, work: () => Promise<unknown>): Promise<number> {
  const before = await usageOf(pid);
  await work();
  const { cpuSeconds } = await usageOf(pid);
  return cpuSeconds - before.cpuSeconds;
}

function once(requests: readonly Buffer[]): () => Buffer | undefined {
  return nextOf(requests.values());
}

function nextOf(requests: Iterator<Buffer, undefined>): () => Buffer | undefined {
  return () => {
    const { value, done } = requests.next();
    return done === true ? undefined : value;
  };
}

/** Gives requests in an order that no cache knows, for {@link countedMs}. */
function forAWhile(requests: readonly Buffer[]): () => Buffer | undefined {
  const endMs = performance.now() + countedMs;
  return () => {
    if (performance.now() >= endMs) return undefined;
    return requests[Math.floor(Math.random() * requests.length)];
  };
}
