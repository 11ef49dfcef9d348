import { mkdir, readdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { ensurePackages } from "./apt-packages.ts";
import type { Argv } from "./command.ts";
import type { NetworkHost } from "./network.ts";
import { pollUntil } from "./poll.ts";
import { startProcess } from "./supervised-process.ts";

/** BitTorrent clients that know nothing of us. */
export const stockClients = ["aria2", "transmission", "webtorrent"] as const;

export type StockClient = (typeof stockClients)[number];

export interface StockDownload {
  readonly torrentPath: string;
  readonly directory: string;
  readonly on: NetworkHost;
}

/** Without these it waits for answers by UDP, which nobody here gives, before it tries TCP. */
const transmissionSettings = { "utp-enabled": false, "dht-enabled": false };

/** Has a stock client download a torrent, and gives the path of what it got. */
export async function downloadWith(client: StockClient, download: StockDownload): Promise<string> {
  const { directory, on } = download;
  const files = join(directory, "files");
  await ensurePackages(["aria2", "transmission-cli"]);
  await mkdir(files, { recursive: true });
  const marker = join(directory, "finished");
  await writeFile(join(directory, "settings.json"), JSON.stringify(transmissionSettings));
  const running = await startProcess({
    name: client,
    argv: argvOf(client, { ...download, marker, files }),
    logPath: join(directory, `${client}.log`),
    // Their own settings are not for us to change.
    env: { HOME: directory },
    ready: ({ signal }) =>
      pollUntil(async () => existsSync(marker), {
        ...{ what: `${client} to finish`, withinMs: Number.POSITIVE_INFINITY, signal },
      }),
    netns: on.netns,
  });
  await running.kill9();
  // Not all of them keep the colon in its name.
  const [name = ""] = await readdir(files);
  return join(files, name);
}

interface StockCommand extends StockDownload {
  readonly marker: string;
  readonly files: string;
}

function argvOf(client: StockClient, command: StockCommand): Argv {
  const { torrentPath, directory, marker, files } = command;
  const hook = join(import.meta.dirname, "touch-finished.sh");
  switch (client) {
    case "aria2":
      return [
        ...(["aria2c", "--no-conf", "--enable-dht=false", "--seed-ratio=0.0"] as const),
        ...["--on-bt-download-complete", hook, "--dir", files, torrentPath],
      ];
    case "transmission":
      return [
        ...(["transmission-cli", "--no-portmap", "--config-dir", directory] as const),
        ...["--download-dir", files, "--finish", hook, torrentPath],
      ];
    case "webtorrent": {
      const program = join(import.meta.dirname, "webtorrent-main.ts");
      return [process.execPath, program, torrentPath, files, marker];
    }
  }
}
