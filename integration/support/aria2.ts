import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { encodeMetainfo, type Metainfo } from "../../core/metainfo.ts";
import { ensurePackages } from "./apt-packages.ts";
import type { NetworkHost } from "./network.ts";
import { logsLine } from "./readiness.ts";
import { trackerUrl } from "./shoal-config.ts";
import type { ShoalDaemon } from "./shoal-daemon.ts";
import { startProcess, type SupervisedProcess } from "./supervised-process.ts";

export interface Aria2Options {
  readonly metainfo: Metainfo;
  /** What it gives to peers, if that fits the metainfo. */
  readonly bytes: Uint8Array;
  readonly on: NetworkHost;
  readonly tracker: ShoalDaemon;
  /** Takes its files. */
  readonly directory: string;
}

/** Has Debian's aria2c seed bytes in the swarm of some metainfo until it is disposed of. */
export async function seedWithAria2(options: Aria2Options): Promise<SupervisedProcess> {
  await ensurePackages(["aria2"]);
  const { metainfo, bytes, on, tracker } = options;
  const directory = join(options.directory, on.name, metainfo.infoHash);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, metainfo.digest), bytes);
  const torrent = join(directory, "blob.torrent");
  const announce = [`${trackerUrl(tracker.on)}/announce`];
  await writeFile(torrent, encodeMetainfo(metainfo, { announce }));
  const logPath = join(directory, "aria2.log");
  return startProcess({
    name: "aria2c",
    argv: [
      ...(["aria2c", "--no-conf", "--check-integrity=true", "--seed-ratio=0.0"] as const),
      ...["--dir", directory, "--enable-dht=false", "--log-level=info", "--log=-", torrent],
    ],
    logPath,
    ready: logsLine(logPath, /Got 200|peers? added|Seeding is running|SEED/i),
    netns: on.netns,
  });
}
