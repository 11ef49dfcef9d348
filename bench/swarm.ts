import { createLoopbackNetwork } from "../integration/support/network.ts";
import type { Measurement } from "./measurement.ts";
import { compareTransfers } from "./swarm/compare-transfers.ts";

/** How fast one node gets a blob from one seeder, against engines that others have made. */
export const swarm: Measurement = {
  name: "swarm",
  summary: "one seeder to one node over loopback, 1 GiB: against webtorrent and libtorrent",
  rounds: 5,
  withinMs: 20 * 60_000,
  run: (context) => {
    const network = createLoopbackNetwork(["machine"]);
    const machine = network.host("machine");
    const hosts = { seeder: machine, leecher: machine };
    const atLeast = { webtorrent: 1.5, libtorrent: 1 };
    return compareTransfers(context, { name: "swarm", hosts, atLeast });
  },
};
