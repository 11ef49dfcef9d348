import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { NetworkHost } from "../../integration/support/network.ts";
import { requestHttp } from "../../integration/support/http.ts";
import type { ShoalDaemon } from "../../integration/support/shoal-daemon.ts";
import { trackerUrl } from "../../integration/support/shoal-config.ts";
import {
  createMachine,
  proxySocket,
  startProxy,
  startTracker,
  type DaemonPlace,
} from "../daemons.ts";
import type { SampleBlob } from "../sample-blob.ts";
import { startPeer, type Peer } from "../swarm/start-peer.ts";
import { ContentClient } from "./content-client.ts";

/** A content proxy without a containerd, and a tracker. Dispose of it to end both. */
export interface ProxyStand extends AsyncDisposable {
  readonly on: NetworkHost;
  readonly directory: string;
  readonly tracker: ShoalDaemon;
  readonly proxy: ShoalDaemon;
  readonly client: ContentClient;
}

export async function startProxyStand(
  directory: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<ProxyStand> {
  const started = new DisposeStack();
  try {
    const on = started.use(await createMachine()).host("machine");
    const place: DaemonPlace = { on, directory, signal };
    const tracker = started.use(await startTracker(place));
    const neighbours = { withTracker: true, withSeeder: false };
    const proxy = started.use(await startProxy(place, neighbours));
    const client = started.use(await ContentClient.open(proxySocket(place)));
    return {
      ...{ on, directory, tracker, proxy, client },
      [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

/** Process id of a daemon that runs. */
export function pidOf({ pid }: ShoalDaemon): number {
  assert(pid !== undefined, "the daemon does not run");
  return pid;
}

/** Ports of peers that are no daemons; nobody else is on the machine. */
let nextPort = 7100;

/** Makes the tracker know a blob, and starts a peer that has it. */
export async function offerBlob(
  blob: SampleBlob,
  { on, directory, tracker }: ProxyStand,
  { signal }: { readonly signal: AbortSignal },
): Promise<Peer> {
  const { status } = await requestHttp(tracker.admin, {
    method: "PUT",
    path: `/v1/metainfo/${blob.metainfo.digest}`,
    body: await readFile(blob.torrentPath),
    signal,
  });
  assert.equal(status, 201, "the tracker takes no metainfo");
  const port = nextPort++;
  const spec = {
    role: "seed",
    torrentPath: blob.torrentPath,
    directory: blob.directory,
    host: on.address,
    port,
    seeder: { host: on.address, port },
    tracker: `${trackerUrl(on)}/announce`,
  } as const;
  const logPath = join(directory, `peer-${port}.log`);
  return startPeer({ program: "shoal", spec, netns: on.netns, logPath, signal });
}
