// The swarm of this project in a process of its own. Started by start-peer.ts.
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { TrackerAnnouncer } from "../../core/announce/tracker-announcer.ts";
import { parseMetainfo } from "../../core/metainfo.ts";
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
const metainfo = parseMetainfo(await readFile(spec.torrentPath));
/**
 * Milliseconds between two looks at a download: no more than it is told wrong by. A crowd takes
 * many seconds, and its looks would cost the processors that its links are to be filled with.
 */
const lookIntervalMs = spec.tracker === undefined ? 1 : 25;
const path = join(spec.directory, metainfo.digest);

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
  const { digest, infoHash, layout } = metainfo;
  swarm.seed({ digest, infoHash, size: layout.size, path, metainfo: async () => metainfo });
  process.stdout.write(`${readyLine}\n`);
  await waitForEnd();
}

async function leech(): Promise<void> {
  await mkdir(spec.directory, { recursive: true });
  await writeFile(path, "");
  await truncate(path, metainfo.layout.size);
  await waitForGo();

  const start = performance.now();
  const download = swarm.download({ torrent: metainfo, path, peers: [spec.seeder], webSeeds: [] });
  const { size } = metainfo.layout;
  const reading = spec.withReader === true && readArrivingBlob(download, { path, size, signal });
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
