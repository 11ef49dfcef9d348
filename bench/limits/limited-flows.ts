import { once } from "node:events";
import { truncate, writeFile } from "node:fs/promises";
import { type Server, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createReadStream } from "node:fs";

import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { HostLimits } from "../../core/limits/host-limits.ts";
import { metered } from "../../core/limits/metered.ts";
import type { PeerAddress } from "../../core/peer-address.ts";
import type { Download, WantedBlob } from "../../core/ports/swarm.ts";
import { createJsonLogger } from "../../core/system/json-logger.ts";
import { TorrentSwarm } from "../../core/torrent/torrent-swarm.ts";
import type { SampleBlob } from "../sample-blob.ts";

const host = "127.0.0.1";

/** What a flow needs of its measurement. */
export interface FlowContext {
  readonly directory: string;
  readonly stack: DisposeStack;
  readonly signal: AbortSignal;
}

/** Opens a node on loopback, with limits or without. */
export async function openNode(
  { stack, signal }: FlowContext,
  limits = new HostLimits(),
): Promise<TorrentSwarm> {
  const settings = { host, port: 0, limits: limits.memory };
  const announcer = {
    announce: () => ({
      completed: () => undefined,
      hurry: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const logger = createJsonLogger({ level: "warn", text: true });
  return stack.use(await TorrentSwarm.open({ settings, announcer, logger }, { signal }));
}

/** Has a node offer a blob. Gives where it is reached. */
export function seedOn(swarm: TorrentSwarm, { metainfo, size, path }: SampleBlob): PeerAddress {
  const { digest, infoHash } = metainfo;
  swarm.seed({ digest, infoHash, size, path, metainfo: async () => metainfo });
  return { host, port: swarm.port };
}

/** Has a node fetch a blob into a file of that name. */
export async function fetchOn(
  swarm: TorrentSwarm,
  { metainfo }: SampleBlob,
  options: Pick<FlowContext, "directory" | "stack"> &
    Pick<WantedBlob, "peers" | "webSeeds"> & { readonly name: string },
): Promise<Download> {
  const { directory, stack, peers, webSeeds, name } = options;
  const path = join(directory, name);
  await writeFile(path, "");
  await truncate(path, metainfo.layout.size);
  return stack.use(swarm.download({ torrent: metainfo, path, peers, webSeeds }));
}

/** Serves a blob and its ranges by HTTP, as fast as the limit for uploads lets it. */
export async function serveBlob(
  { path, size }: SampleBlob,
  { limits, stack }: Pick<FlowContext, "stack"> & { readonly limits: HostLimits },
): Promise<string> {
  const server = createServer((request, response) => {
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    const start = Number(match?.[1] ?? 0);
    const end = Number(match?.[2] ?? size - 1);
    response.writeHead(match ? 206 : 200, {
      "content-length": end - start + 1,
      ...(match && { "content-range": `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === "HEAD") {
      response.end();
      return;
    }
    const passage = limits.passage(["upload"], { flow: path });
    const { signal } = new AbortController();
    const chunks = createReadStream(path, { start, end });
    // Who hangs up has enough.
    pipeline(metered(chunks, { passage, signal }), response).catch(() => undefined);
  });
  await once(server.listen(0, host), "listening");
  stack.defer(() => stop(server));
  return `http://${host}:${(server.address() as AddressInfo).port}/blob`;
}

/** Reads what a URL has. Resolves when it has ended. */
export async function readAll(url: string, onBytes: (bytes: number) => void): Promise<void> {
  const request = get(url);
  const [response] = (await once(request, "response")) as [AsyncIterable<Buffer>];
  for await (const chunk of response) onBytes(chunk.length);
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
