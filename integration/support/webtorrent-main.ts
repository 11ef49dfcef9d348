// The stock webtorrent: gets a torrent into a folder, then makes a file as a mark.
import { readFile, writeFile } from "node:fs/promises";

import WebTorrent from "webtorrent";

const [torrentPath = "", path = "", marker = ""] = process.argv.slice(2);
const client = new WebTorrent({
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utp: false,
});
const torrent = client.add(await readFile(torrentPath), { path });
torrent.on("done", () => void writeFile(marker, ""));
