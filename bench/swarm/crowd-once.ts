import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { withDisposeStack } from "../../core/async/dispose-stack.ts";
import { type Place, formatPlace } from "../../core/topology.ts";
import { runCommand } from "../../integration/support/command.ts";
import type { Network, NetworkHost } from "../../integration/support/network.ts";
import { trackerUrl } from "../../integration/support/shoal-config.ts";
import { levelFileState } from "../file-state.ts";
import { usageOf } from "../process-usage.ts";
import { digestOfFile, type SampleBlob } from "../sample-blob.ts";
import type { LeecherReport } from "./leecher-report.ts";
import { startPeer, type Engine, type Peer } from "./start-peer.ts";

/** Every peer has a host of its own. */
const port = 7080;

/** A node of a crowd, and what befalls it. */
export interface CrowdNode {
  /** Name of its host. */
  readonly name: string;
  /** When it begins, in milliseconds after the first may; at once unless told otherwise. */
  readonly startMs?: number;
  /** When it is killed, in milliseconds after the first begins. */
  readonly killedMs?: number;
  /** Others need not wait for it, nor is it told when it was done. */
  readonly isLeftBehind?: boolean;
}

/** How one that was to get all of it fared. */
export interface CrowdNodeResult {
  readonly name: string;
  /** Milliseconds from its own start until it was done; none when it was not, in the time given. */
  readonly doneMs: number | undefined;
  readonly report: LeecherReport | undefined;
}

/** What it took until all of a crowd had a blob. */
export interface CrowdResult {
  /** Without those that were killed or left behind. */
  readonly nodes: readonly CrowdNodeResult[];
  /** Bytes that left the seeder, with those of all protocols below ours. */
  readonly seederSentBytes: number;
  /** Part of the machine's processors that the peers used, from 0 to 1. */
  readonly processorShare: number;
}

export interface CrowdOptions {
  readonly engine: Engine;
  readonly blob: SampleBlob;
  /**
   * Fetched by all before anything is measured, for daemons have compiled their code by what they
   * fetched before; left out: nothing is. Engines of others fetch none.
   */
  readonly warmUp?: SampleBlob;
  /** Has the hosts `seeder` and `tracker`, on the latter of which our tracker runs. */
  readonly network: Network;
  /** Those that want the blob. */
  readonly nodes: readonly CrowdNode[];
  /** Where hosts are, by their names; left out: nobody says. */
  readonly places?: ReadonlyMap<string, Place>;
  /** Whether somebody reads the blob on each node while it arrives. */
  readonly withReaders?: boolean;
  /** What a node may take from its start. */
  readonly withinMs: number;
  /** Takes what they write, for the time of the transfer. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** One seeder gives a blob to many leechers, in new processes each. */
export async function crowdOnce(options: CrowdOptions): Promise<CrowdResult> {
  const { blob, network, nodes, signal } = options;
  const directory = join(options.directory, "crowd");
  await levelFileState(options.directory, blob.size * nodes.length);
  return withDisposeStack(async (stack) => {
    await mkdir(directory, { recursive: true });
    stack.defer(() => rm(directory, { recursive: true }));
    const start = async (role: "seed" | "leech", on: NetworkHost, folder: string) =>
      stack.use(await startCrowdPeer({ ...options, directory }, { role, on, folder }));
    const seederHost = network.host("seeder");
    const seeder = await start("seed", seederHost, blob.directory);
    const leechers = await Promise.all(
      nodes.map(async (node) => {
        const folder = join(directory, node.name);
        await mkdir(folder);
        return { node, folder, peer: await start("leech", network.host(node.name), folder) };
      }),
    );

    const peers = [seeder, ...leechers.map(({ peer }) => peer)];
    const sentBefore = await sentBytesOf(seederHost);
    const usedBefore = await processorSecondsOf(peers);
    const startedAt = performance.now();
    const over = new AbortController();
    stack.defer(() => over.abort());
    const fates = leechers.map(({ node, peer }) => meetFate(node, peer, over.signal));
    const results = await Promise.all(
      leechers.map(({ node, peer }) => resultOf(node, peer, options)),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const seederSentBytes = (await sentBytesOf(seederHost)) - sentBefore;
    const used = (await processorSecondsOf(peers)) - usedBefore;
    over.abort();
    await Promise.all(fates);
    signal.throwIfAborted();
    const done = results.filter((result) => result !== undefined);
    await checkContent(done, { directory, blob });
    const processorShare = used / (seconds * availableParallelism());
    return { nodes: done, seederSentBytes, processorShare };
  });
}

interface PeerPlace {
  readonly role: "seed" | "leech";
  readonly on: NetworkHost;
  /** Where the file is, or is to be. */
  readonly folder: string;
}

function startCrowdPeer(options: CrowdOptions, { role, on, folder }: PeerPlace): Promise<Peer> {
  const { engine, blob, warmUp, network, withReaders = false, directory, signal } = options;
  const place = options.places?.get(on.name);
  const spec = {
    ...{ role, directory: folder, torrentPath: blob.torrentPath, host: on.address, port },
    seeder: { host: network.host("seeder").address, port },
    tracker: `${trackerUrl(network.host("tracker"))}/announce`,
    withReader: withReaders && role === "leech",
    ...(warmUp && engine === "shoal" && { warmUpPath: warmUp.torrentPath }),
    ...(place && { place: formatPlace(place) }),
  };
  const logPath = join(directory, `${on.name}.log`);
  return startPeer({ program: engine, spec, netns: on.netns, logPath, signal });
}

/** Has a node begin, and die, when it is to. */
async function meetFate(node: CrowdNode, peer: Peer, over: AbortSignal): Promise<void> {
  const { startMs = 0, killedMs } = node;
  try {
    if (startMs > 0) await delay(startMs, undefined, { signal: over });
    peer.go();
    if (killedMs === undefined) return;
    await delay(killedMs - startMs, undefined, { signal: over });
    await peer.process.kill9();
  } catch (error) {
    if (!over.aborted) throw error;
  }
}

async function resultOf(
  { name, startMs = 0, killedMs, isLeftBehind = false }: CrowdNode,
  peer: Peer,
  { withinMs, signal }: CrowdOptions,
): Promise<CrowdNodeResult | undefined> {
  if (killedMs !== undefined || isLeftBehind) return undefined;
  const timeout = AbortSignal.timeout(Math.ceil(startMs + withinMs));
  try {
    const { checkedMs, report } = await peer.done({ signal: AbortSignal.any([signal, timeout]) });
    return { name, doneMs: checkedMs, report };
  } catch (error) {
    if (!timeout.aborted) throw error;
    return { name, doneMs: undefined, report: undefined };
  }
}

async function checkContent(
  done: readonly CrowdNodeResult[],
  { directory, blob }: Pick<CrowdOptions, "directory" | "blob">,
): Promise<void> {
  const { digest } = blob.metainfo;
  for (const { name, doneMs } of done) {
    if (doneMs === undefined) continue;
    assert.equal(await digestOfFile(join(directory, name, digest)), digest);
  }
}

async function processorSecondsOf(peers: readonly Peer[]): Promise<number> {
  let sum = 0;
  for (const { process } of peers) {
    // What was used by one that was killed is not told.
    sum += await usageOf(process.pid).then(
      ({ cpuSeconds }) => cpuSeconds,
      () => 0,
    );
  }
  return sum;
}

/** Bytes that a host has sent over its link. */
async function sentBytesOf({ name, netns }: NetworkHost): Promise<number> {
  const { stdout } = await runCommand(["cat", "/proc/self/net/dev"], { netns });
  const fields = /^\s*eth0:\s*(.*)$/m.exec(stdout)?.[1]?.trim().split(/\s+/);
  const sent = Number(fields?.[8]);
  if (!Number.isSafeInteger(sent)) throw new Error(`Cannot read what ${name} has sent`);
  return sent;
}
