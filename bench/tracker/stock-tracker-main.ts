// The npm package's own tracker, to be compared with: stock-tracker-main.ts HOST PORT
import Server from "bittorrent-tracker/server";

import { stockReadyLine } from "./stock-ready-line.ts";

const [host = "127.0.0.1", port = "0"] = process.argv.slice(2);
const server = new Server({ http: true, udp: true, ws: false, stats: false });
server.on("error", (error) => console.error(error));
server.on("warning", () => undefined);
server.listen(Number(port), { http: host, udp: host, udp6: "::1" }, () =>
  console.log(stockReadyLine),
);
