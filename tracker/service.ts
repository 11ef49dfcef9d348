import { randomBytes } from "node:crypto";

import { DisposeStack } from "../core/async/dispose-stack.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import packageJson from "../package.json" with { type: "json" };
import { AnnounceServer } from "./announce-server.ts";
import type { TrackerConfig } from "./config.ts";
import { listenHttp } from "../core/http/listen-http.ts";
import { publishTokenCheck } from "./http/publish-token.ts";
import { trackerHandler } from "./http/tracker-handler.ts";
import { ListeningClock } from "./listening-clock.ts";
import { MetainfoFiles } from "./metainfo-files.ts";
import { PublishedMetainfo } from "./published-metainfo.ts";
import { statusOf } from "./status.ts";
import { SwarmTable } from "./swarm-table.ts";
import { toldHeartbeatSeconds } from "./take-batch.ts";
import { listenUdp } from "./udp/listen-udp.ts";
import { UdpGate } from "./udp/udp-gate.ts";

/** A tracker that runs. Dispose of it to stop it. */
export interface Tracker extends AsyncDisposable {
  readonly http: PeerAddress;
  /** `undefined` when it does not serve UDP. */
  readonly udp: PeerAddress | undefined;
  /** Name of the run since which nothing was forgotten. */
  readonly generation: string;
}

/** What {@link startTracker} gets from its process. */
export interface TrackerDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A peer is gone when it left out two announces, and was late for both. */
const peerTtlFactor = 2.5;

/** Heartbeats that a peer may leave out: one may be lost, and one late. */
const heartbeatsMissedMax = 3;

/** Part of all connections that one host may have: it may be a proxy of many, and leaves some to others. */
const hostShare = 1 / 2;

/** Milliseconds between two looks for peers that are gone. */
const sweepIntervalMs = 1000;

/** Peers and swarms that one look is at, which takes some milliseconds: five million in two minutes. */
const sweepCountMax = 50_000;

/** Starts a tracker. On failure nothing is left open. */
export async function startTracker(
  config: TrackerConfig,
  { logger, clock }: TrackerDeps,
  { signal }: Cancellable,
): Promise<Tracker> {
  const started = new DisposeStack();
  try {
    const { published, generation } = await openDirectory(config, { logger, started, signal });
    const listening = new ListeningClock({ clock, lookIntervalMs: sweepIntervalMs });
    const swarms = startSwarms(config, { clock: listening, started });
    const announces = new AnnounceServer({
      swarms,
      udpGate: new UdpGate({ secret: randomBytes(32), clock }),
      allows: (infoHash) => published.use(infoHash) || !config.announce.onlyDirectory,
      clock: listening,
      random: Math.random,
      settings: {
        announceIntervalMs: config.announce.intervalMs,
        announceIntervalMinMs: config.announce.intervalMinMs,
        heartbeatMs: config.announce.heartbeatMs,
        trustIpParameter: config.announce.trustIpParameter,
      },
    });
    const udp = config.listen.udp
      ? started.use(await listenUdp(config.listen.udp, { logger, signal }))
      : undefined;
    if (udp) announces.serveUdp(udp.socket);

    const readyMs = clock.monotonicMs();
    const status = () => {
      const uptimeMs = clock.monotonicMs() - readyMs;
      return statusOf({ swarms, published, version: packageJson.version, uptimeMs });
    };
    const mayPublish = publishTokenCheck(config.directory.publishToken);
    const handle = trackerHandler({
      ...{ announces, swarms, published },
      ...{ mayPublish, status, generation, logger },
    });
    const { connectionsMax } = config.listen;
    const connectionsPerHostMax = Math.ceil(connectionsMax * hostShare);
    const http = started.use(
      await listenHttp(config.listen.http, {
        ...{ connectionsMax, connectionsPerHostMax, handle, signal },
      }),
    );
    const running = started.move();
    return {
      http: http.address,
      udp: udp?.address,
      generation,
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

async function openDirectory(
  config: TrackerConfig,
  options: Cancellable & { readonly logger: Logger; readonly started: DisposeStack },
): Promise<{ readonly published: PublishedMetainfo; readonly generation: string }> {
  const { path, entriesMax } = config.directory;
  const generation = randomBytes(16).toString("hex");
  if (path === undefined) return { published: new PublishedMetainfo(config.directory), generation };
  const { logger, signal } = options;
  const opened = await MetainfoFiles.open(path, {
    countMax: entriesMax,
    ...{ generation, logger, signal },
  });
  options.started.use(opened.files);
  const published = new PublishedMetainfo(config.directory, opened.files);
  published.restore(opened.kept);
  return { published, generation: opened.generation };
}

function startSwarms(
  { announce }: TrackerConfig,
  { clock, started }: { readonly clock: ListeningClock; readonly started: DisposeStack },
): SwarmTable {
  const limits = { ...announce, peerTtlMs: announce.intervalMs * peerTtlFactor };
  const swarms = new SwarmTable(limits, Math.random);
  const silenceMaxMs = toldHeartbeatSeconds(announce.heartbeatMs) * 1000 * heartbeatsMissedMax;
  // Timers go by this time, whatever the clock.
  clock.look(performance.now());
  const sweeping = setInterval(() => {
    clock.look(performance.now());
    const nowMs = clock.monotonicMs();
    swarms.forgetSilent({ nowMs, silenceMaxMs });
    swarms.sweep(nowMs, sweepCountMax);
  }, sweepIntervalMs);
  started.defer(() => clearInterval(sweeping));
  return swarms;
}
