import { join } from "node:path";

import type { HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { acceptsConnections } from "./readiness.ts";
import { startProcess } from "./supervised-process.ts";
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
  const { address, netns } = host;
  if (netns === undefined) {
    return {
      endpoint: { host: `${address}:${port}` },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const directory = await createTemporaryDirectory();
  const socketPath = join(directory.path, "tunnel.sock");
  try {
    const program = join(import.meta.dirname, "tunnel-main.ts");
    const forwarder = await startProcess({
      name: `tunnel to ${address}:${port}`,
      argv: [process.execPath, program, socketPath, address, `${port}`],
      logPath: join(directory.path, "tunnel.log"),
      ready: acceptsConnections(socketPath),
      netns,
    });
    return {
      endpoint: { host: `${address}:${port}`, socketPath },
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
