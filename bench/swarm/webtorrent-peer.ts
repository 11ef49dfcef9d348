// A stock webtorrent with its own store, to be compared with. Started by start-peer.ts.
import { once } from "node:events";
import { link, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import WebTorrent from "webtorrent";

import { parseMetainfo } from "../../core/metainfo.ts";
import { syncFile } from "../sync-file.ts";
import { sayDone, waitForEnd, waitForGo } from "./peer-cues.ts";
import { parsePeerSpec, readyLine } from "./peer-spec.ts";

const spec = parsePeerSpec(process.argv[2]);
const torrentFile = await readFile(spec.torrentPath);
const { digest } = parseMetainfo(torrentFile);
const path = join(spec.directory, digest);
/** Its store leaves out what not every system has in names of files. */
const storedPath = join(spec.directory, digest.replace(":", ""));

// Stock, without what finds peers elsewhere; encryption would halve its speed.
const client = new WebTorrent({
  torrentPort: spec.port,
  dht: false,
  lsd: false,
  utp: false,
  natUpnp: false,
  natPmp: false,
  secure: 0,
});
const failed = once(client, "error").then(([error]) => {
  throw error as Error;
});
const addOptions = {
  path: spec.directory,
  // Its default order makes a crowd ask the seeder for the same piece; this is its other one.
  strategy: spec.tracker === undefined ? "sequential" : "rarest",
  ...(spec.tracker === undefined ? {} : { announce: [spec.tracker] }),
} as const;

if (spec.role === "seed") await Promise.race([seed(), failed]);
else await Promise.race([leech(), failed]);
// Its own end takes seconds, of trackers that are said goodbye to.
process.kill(process.pid, "SIGKILL");

async function seed(): Promise<void> {
  // Left by the seeder of an earlier round.
  await rm(storedPath, { force: true });
  await link(path, storedPath);
  const torrent = client.add(torrentFile, { ...addOptions, skipVerify: true });
  await once(torrent, "done");
  process.stdout.write(`${readyLine}\n`);
  await waitForEnd();
}

async function leech(): Promise<void> {
  await waitForGo();
  const start = performance.now();
  const torrent = client.add(torrentFile, addOptions);
  const done = once(torrent, "done");
  await once(torrent, "infoHash");
  torrent.addPeer(`${spec.seeder.host}:${spec.seeder.port}`);
  await done;
  const checkedMs = performance.now() - start;
  await syncFile(storedPath);
  const durableMs = performance.now() - start;
  await link(storedPath, path);
  await sayDone(checkedMs, durableMs);
}
