// The swarm of this project in a process of its own. Started by start-peer.ts.
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { TrackerAnnouncer } from "../../core/announce/tracker-announcer.ts";
import { type Metainfo, parseMetainfo } from "../../core/metainfo.ts";
import { createPeerId } from "../../core/peer-id.ts";
import type { Download } from "../../core/ports/swarm.ts";
import { createJsonLogger } from "../../core/system/json-logger.ts";
import { SystemClock } from "../../core/system/system-clock.ts";
import { parsePlace } from "../../core/topology.ts";
import { TorrentSwarm } from "../../core/torrent/torrent-swarm.ts";
import { sayDone, waitForEnd, waitForGo } from "./peer-cues.ts";
import { reportLine } from "./leecher-report.ts";
import { parsePeerSpec, readyLine } from "./peer-spec.ts";
import { readArrivingBlob } from "./read-arriving-blob.ts";

const spec = parsePeerSpec(process.argv[2]);
const metainfo = await readMetainfo(spec.torrentPath);
const warmUp = spec.warmUpPath === undefined ? undefined : await readMetainfo(spec.warmUpPath);
/**
 * Milliseconds between two looks at a download: no more than it is told wrong by. A crowd takes
 * many seconds, and its looks would cost the processors that its links are to be filled with.
 */
const lookIntervalMs = spec.tracker === undefined ? 1 : 25;

const logger = createJsonLogger({ level: "warn", text: true });
const place = spec.place === undefined ? undefined : parsePlace(spec.place);
const announcer = new TrackerAnnouncer({
  place,
  trackers: spec.tracker === undefined ? [] : [spec.tracker],
  peerId: createPeerId(),
  clock: new SystemClock(),
  logger,
});
const dedicatedSeeder = spec.role === "seed";
const settings = { host: spec.host, port: spec.port, dedicatedSeeder, place };
const signal = new AbortController().signal;
const swarm = await TorrentSwarm.open({ settings, announcer, logger }, { signal });

if (spec.role === "seed") await seed();
else await leech();
await swarm[Symbol.asyncDispose]();
await announcer[Symbol.asyncDispose]();

async function seed(): Promise<void> {
  give(metainfo, spec.directory);
  if (warmUp && spec.warmUpPath !== undefined) give(warmUp, dirname(spec.warmUpPath));
  process.stdout.write(`${readyLine}\n`);
  await waitForEnd();
}

function give(blob: Metainfo, directory: string): void {
  const { digest, infoHash, layout } = blob;
  const path = join(directory, digest);
  swarm.seed({ digest, infoHash, size: layout.size, path, metainfo: async () => blob });
}

async function leech(): Promise<void> {
  await mkdir(spec.directory, { recursive: true });
  if (warmUp) await fetchWarmUp(warmUp);
  const path = await makeFile(metainfo);
  await waitForGo();

  const start = performance.now();
  const { download, reading } = begin(metainfo, path);
  const arrival = watchArrival(download);
  // The sha256 of the blob and its way to the disk are part of it.
  await download.whole();
  const durableMs = performance.now() - start;
  const { checkedMs, ...times } = await arrival;
  const { received } = download;
  const reader = await reading;
  const report = { received, ...times, ...(reader !== false && { reader }) };
  process.stdout.write(`${reportLine(report)}\n`);
  await sayDone(checkedMs, durableMs);
}

/** A daemon has its code compiled by what it fetched before. */
async function fetchWarmUp(blob: Metainfo): Promise<void> {
  const path = await makeFile(blob);
  const { download, reading } = begin(blob, path);
  await download.whole();
  await reading;
  await download[Symbol.asyncDispose]();
  await rm(path);
}

/** Makes the file that a blob is to be written to. */
async function makeFile({ digest, layout }: Metainfo): Promise<string> {
  const path = join(spec.directory, digest);
  await writeFile(path, "");
  await truncate(path, layout.size);
  return path;
}

function begin(blob: Metainfo, path: string) {
  const download = swarm.download({ torrent: blob, path, peers: [spec.seeder], webSeeds: [] });
  const { size } = blob.layout;
  const reading = spec.withReader === true && readArrivingBlob(download, { path, size, signal });
  return { download, reading };
}

/** Looks until all pieces are in, without hurrying any of them as a reader would. */
async function watchArrival(download: Download) {
  const start = performance.now();
  let [firstPieceMs, longestIdleMs, bytesDone, lastMs] = [0, 0, 0, 0];
  while (bytesDone < metainfo.layout.size) {
    await delay(lookIntervalMs);
    if (download.bytesDone === bytesDone) continue;
    const now = performance.now() - start;
    if (bytesDone === 0) firstPieceMs = now;
    else longestIdleMs = Math.max(longestIdleMs, now - lastMs);
    [bytesDone, lastMs] = [download.bytesDone, now];
  }
  return { checkedMs: lastMs, firstPieceMs, longestIdleMs };
}

async function readMetainfo(path: string): Promise<Metainfo> {
  return parseMetainfo(await readFile(path));
}
