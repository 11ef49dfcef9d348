import { join } from "node:path";

import type { PeerAddress } from "../../core/peer-address.ts";
import { createLoopbackNetwork } from "../../integration/support/network.ts";
import { logsLine } from "../../integration/support/readiness.ts";
import { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";
import { startProcess } from "../../integration/support/supervised-process.ts";
import { pidOf } from "../content/proxy-stand.ts";
import { freePort } from "../free-port.ts";
import type { BenchContext } from "../measurement.ts";
import { stockReadyLine } from "./stock-ready-line.ts";

/** A tracker in a process of its own. */
export interface TrackerProcess extends AsyncDisposable {
  readonly pid: number;
  /** By HTTP and by UDP. */
  readonly place: PeerAddress;
}

/** All nodes of this benchmark have one address: what is for each machine must not hold here. */
const limits = { peersMax: 8_000_000, peersPerAddressMax: 8_000_000 };

/** How long a node may be silent here: for all of a measurement. */
const heartbeatMs = 600_000;

const host = "127.0.0.1";

export async function startOurTracker({
  directory,
  signal,
}: Pick<BenchContext, "directory" | "signal">): Promise<TrackerProcess> {
  const port = await freePort();
  const listen = `${host}:${port}`;
  const on = createLoopbackNetwork(["machine"]).host("machine");
  const daemon = await ShoalDaemon.start(
    {
      service: "tracker",
      config: { listen: { http: listen, udp: listen }, announce: { ...limits, heartbeatMs } },
      directory: join(directory, `tracker-${port}`),
      on: { ...on, address: host },
      adminPort: port,
    },
    { signal },
  );
  return {
    pid: pidOf(daemon),
    place: { host, port },
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

/** The server of the npm package whose parsers ours has, as it is. */
export async function startStockTracker({
  directory,
  signal,
}: Pick<BenchContext, "directory" | "signal">): Promise<TrackerProcess> {
  const port = await freePort();
  const logPath = join(directory, `stock-${port}.log`);
  const started = await startProcess(
    {
      name: "the stock tracker",
      argv: [
        process.execPath,
        join(import.meta.dirname, "stock-tracker-main.ts"),
        host,
        String(port),
      ],
      env: { NODE_NO_WARNINGS: "1" },
      logPath,
      ready: logsLine(logPath, new RegExp(`^${stockReadyLine}$`, "m")),
    },
    { signal },
  );
  const stop = () => started.stop();
  return { pid: started.pid, place: { host, port }, [Symbol.asyncDispose]: stop };
}
