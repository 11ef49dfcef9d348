import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { logsLine } from "./readiness.ts";
import { placeOf } from "./shoal-config.ts";
import { createTemporaryDirectory } from "./temporary-directory.ts";
import { startForwarder } from "./tunnel.ts";

/** Stands before a server and keeps what its clients say. Dispose of it to end it. */
export interface Recorder extends AsyncDisposable {
  /** All bytes that clients sent, each connection by itself. */
  readonly said: () => readonly Buffer[];
}

/** Passes the connections to a port of a host on to a server, byte for byte. */
export async function startRecorder(options: {
  readonly on: NetworkHost;
  readonly port: number;
  /** How this process reaches the server. */
  readonly behind: HttpEndpoint;
}): Promise<Recorder> {
  const { on, port, behind } = options;
  const connections: Buffer[][] = [];
  const started = new DisposeStack();
  try {
    const directory = started.use(await createTemporaryDirectory());
    const socketPath = join(directory.path, "recorder.sock");
    const ending = new AbortController();
    const { signal } = ending;
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const chunks: Buffer[] = [];
      connections.push(chunks);
      near.on("data", (chunk: Buffer) => chunks.push(chunk));
      const [hostname, hostPort] = behind.host.split(":");
      const far = createConnection(
        behind.socketPath === undefined
          ? { host: hostname, port: Number(hostPort) }
          : { path: behind.socketPath },
      );
      // Who hangs up does so for both.
      pipeline(near, far, near, { signal }).catch(() => undefined);
    });
    server.listen(socketPath);
    await once(server, "listening");
    started.defer(async () => {
      ending.abort();
      server.close();
      await once(server, "close");
    });
    const ready = logsLine(join(directory.path, "tunnel.log"), /listening/);
    const from = placeOf(on, port);
    started.use(await startForwarder({ from, to: socketPath, netns: on.netns, ready }));
    return {
      said: () => connections.map((chunks) => Buffer.concat(chunks)),
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}
