import { dirname, join } from "node:path";

import { acceptsConnections, type ReadinessProbe } from "./readiness.ts";
import type { HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { placeOf } from "./shoal-config.ts";
import { startProcess, type SupervisedProcess } from "./supervised-process.ts";
import { createTemporaryDirectory } from "./temporary-directory.ts";

/** A way to a host of a network of ours. Dispose of it to close it. */
export interface Tunnel extends AsyncDisposable {
  readonly endpoint: HttpEndpoint;
}

/**
 * Opens a way to a port of a host: a Unix socket, which network namespaces share, or
 * nothing where there is no namespace. What it leads to need not listen yet.
 */
export async function openTunnel(host: NetworkHost, port: number): Promise<Tunnel> {
  const { netns } = host;
  const place = placeOf(host, port);
  if (netns === undefined) {
    return {
      endpoint: { host: place },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const directory = await createTemporaryDirectory();
  const socketPath = join(directory.path, "tunnel.sock");
  try {
    const forwarder = await startForwarder({
      ...{ from: socketPath, to: place, netns },
      ready: acceptsConnections(socketPath),
    });
    return {
      endpoint: { host: place, socketPath },
      async [Symbol.asyncDispose]() {
        await forwarder.stop();
        await directory[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Starts a program in a network namespace that passes connections on.
 *
 * @param options `from` and `to`: the path of a Unix socket, or a host and a port.
 */
export async function startForwarder(options: {
  readonly from: string;
  readonly to: string;
  readonly netns: string | undefined;
  readonly ready: ReadinessProbe;
}): Promise<SupervisedProcess> {
  const { from, to, netns, ready } = options;
  const directory = dirname([from, to].find((end) => end.startsWith("/")) ?? "/");
  return startProcess({
    name: `tunnel from ${from} to ${to}`,
    argv: [process.execPath, join(import.meta.dirname, "tunnel-main.ts"), from, to],
    logPath: join(directory, "tunnel.log"),
    ...{ ready, netns },
  });
}
