import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { logsLine } from "./readiness.ts";
import { placeOf, ports } from "./shoal-config.ts";
import { createTemporaryDirectory } from "./temporary-directory.ts";
import { startForwarder } from "./tunnel.ts";

/** What a front does with a request that it wants to answer itself. */
export interface FrontCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path without query. */
  readonly path: string;
  /** Whether the engine asks: those of our services say who they are. */
  readonly isEngine: boolean;
  /** Has the server behind answer. */
  readonly pass: () => Promise<void>;
}

/** A server before a registry. Dispose of it to end it. */
export interface Front extends AsyncDisposable {
  /** Host and port, by which the registry is named. */
  readonly host: string;
  /** What is done with each request from now on: nothing but to pass it on, unless told otherwise. */
  behave(behaviour?: (call: FrontCall) => Promise<void> | void): void;
  /** Requests that came since `behave()` was called last, as `GET /v2/…`. */
  readonly asked: readonly string[];
}

/** Starts a server on a host of its own that stands before a registry and may lie. */
export async function startFront(options: {
  readonly on: NetworkHost;
  /** How this process reaches the registry. */
  readonly behind: HttpEndpoint;
}): Promise<Front> {
  const { on, behind } = options;
  const host = placeOf(on, ports.registry);
  const asked: string[] = [];
  let behaviour: (call: FrontCall) => Promise<void> | void = ({ pass }) => pass();
  const started = new DisposeStack();
  try {
    const directory = started.use(await createTemporaryDirectory());
    const socketPath = join(directory.path, "front.sock");
    const server = createServer((incoming, response) => {
      const { method = "GET", url = "/", headers } = incoming;
      const path = url.split("?", 1)[0] ?? url;
      asked.push(`${method} ${path}`);
      const call: FrontCall = {
        ...{ request: incoming, response, path },
        isEngine: !/shoal/i.test(headers["user-agent"] ?? ""),
        pass: () => passOn(incoming, response, behind),
      };
      Promise.resolve(behaviour(call)).catch(() => response.destroy());
    });
    server.listen(socketPath);
    await once(server, "listening");
    started.defer(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    });
    const ready = logsLine(join(directory.path, "tunnel.log"), /listening/);
    started.use(await startForwarder({ from: host, to: socketPath, netns: on.netns, ready }));
    return {
      host,
      asked,
      behave: (next = ({ pass }) => pass()) => {
        asked.length = 0;
        behaviour = next;
      },
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

async function passOn(
  incoming: IncomingMessage,
  response: ServerResponse,
  { host, socketPath }: HttpEndpoint,
): Promise<void> {
  const { method, url, headers } = incoming;
  const [hostname, port] = host.split(":");
  const place = socketPath === undefined ? { hostname, port } : { socketPath };
  const inner = request({ ...place, method, path: url, headers, agent: false });
  incoming.pipe(inner);
  const [answer] = (await once(inner, "response")) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response);
}
