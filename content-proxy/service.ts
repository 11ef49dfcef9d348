import { availableParallelism, hostname } from "node:os";

import { DisposeStack } from "../core/async/dispose-stack.ts";
import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { setThreadPriority } from "../core/async/thread-priority.ts";
import { ratesOf } from "../core/config/host-limits-schema.ts";
import { placeOf } from "../core/config/topology-schema.ts";
import { HttpDirectory } from "../core/directory/http-directory.ts";
import { SeederColdSource } from "../core/directory/seeder-cold-source.ts";
import { HostLimits } from "../core/limits/host-limits.ts";
import { createPeerId } from "../core/peer-id.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { platformOfMachine } from "../core/platform.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import { type OpenRegistries, openRegistries } from "../core/registry/open-registries.ts";
import { DiskSnapshotStore } from "../core/snapshots/disk-snapshot-store.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { TorrentSwarm } from "../core/torrent/torrent-swarm.ts";
import { sortTrackerUrls } from "../core/tracker-urls.ts";
import { ThreadLayerUnpacker } from "../core/unpack/thread-layer-unpacker.ts";
import packageJson from "../package.json" with { type: "json" };
import { serveAdmin } from "./admin-server.ts";
import type { ContentProxyConfig } from "./config.ts";
import { type ConnectedBlobs, connectBlobs } from "./connect-blobs.ts";
import { connectMirror } from "./mirror/connect-mirror.ts";
import { connectPreheat } from "./preheat/connect-preheat.ts";
import {
  type ConnectedRemoteLayers,
  connectRemoteLayers,
} from "./remote-snapshots/connect-remote-layers.ts";
import { resumePromises } from "./resume-promises.ts";
import { ContainerdClient } from "./rpc/containerd/containerd-client.ts";
import { ContainerdConnection } from "./rpc/containerd/containerd-connection.ts";
import { ContainerdMetadataClient } from "./rpc/containerd/metadata-client.ts";
import { registerContentService } from "./rpc/content-service.ts";
import { directWrite } from "./rpc/direct-write.ts";
import { slowReader } from "./rpc/read.ts";
import { serveGrpc } from "./rpc/serve-grpc.ts";
import { registerSnapshotsService } from "./rpc/snapshots/snapshots-service.ts";
import { createStatus } from "./status.ts";
import { connectTags } from "./tags/connect-tags.ts";

/** What {@link startContentProxy} gets from its process. */
export interface ContentProxyDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A content proxy that runs. Dispose of it to stop it. */
export interface ContentProxy extends AsyncDisposable {
  readonly socket: string;
  readonly admin: PeerAddress;
  /** Port on which peers reach us. */
  readonly swarmPort: number;
  /** Where the mirror is, if it is served, and the ports for one registry each. */
  readonly mirror:
    { readonly address: PeerAddress; readonly ports: readonly PeerAddress[] } | undefined;
  /** Takes over what can change while it runs: limits. */
  reload(config: ContentProxyConfig): void;
}

/** What the parts of the proxy are made of. */
interface Foundations {
  readonly store: DiskBlobStore;
  readonly directory: HttpDirectory;
  readonly coldSource: SeederColdSource;
  readonly swarm: TorrentSwarm;
  readonly limits: HostLimits;
  readonly registries: OpenRegistries;
  readonly connection: ContainerdConnection;
}

/** What serves snapshots, where that is enabled. */
interface Snapshots extends ConnectedRemoteLayers {
  readonly store: DiskSnapshotStore;
}

/** Starts the content proxy of a node. On failure nothing is left open. */
export async function startContentProxy(
  config: ContentProxyConfig,
  { logger, clock }: ContentProxyDeps,
  { signal }: Cancellable,
): Promise<ContentProxy> {
  const started = new DisposeStack();
  setThreadPriority("answers");
  try {
    const foundations = await openFoundations(config, { logger, clock, started, signal });
    const { store, swarm, directory, limits } = foundations;
    const containerd = new ContainerdClient({ connection: foundations.connection });
    const { origin } = foundations.registries;
    const parts = connectBlobs(config, {
      ...{ ...foundations, containerd, origin, logger, clock, started },
    });
    resumePromises(store, parts.arrivals);
    parts.offering.addAll();
    void parts.budget.enforce();
    const base = { ...foundations, ...parts, logger, clock, started, signal };
    const unpacking = config.snapshots.enabled ? await openSnapshots(config, base) : undefined;
    const preheats = connectPreheat(config, {
      ...{ ...base, hostname: hostname(), platform: platformOfMachine(process.arch) },
    });
    const status = createStatus({
      ...{ store, swarm, limits, clock, ...parts, jobs: unpacking?.jobs, preheats },
      sources: () => directory.status(),
      version: packageJson.version,
      budgetBytes: config.cache.budgetBytes,
    });
    const serving = { store, fetcher: parts.fetcher, clock, logger: logger.with({ part: "rpc" }) };
    started.use(
      await serveGrpc({
        socketPath: config.store.socket,
        register: (server) => {
          registerContentService(server, serving);
          if (unpacking) registerSnapshotsService(server, { ...unpacking, logger: serving.logger });
        },
        direct: directWrite(serving),
        readSource: parts.fetcher,
        readSlow: slowReader({ fetcher: parts.fetcher }),
        logger,
      }),
    );
    const { registries } = foundations;
    const resolver = connectTags(config, { ...registries, clock, started });
    const mirror = config.mirror.enabled
      ? await connectMirror(
          config,
          { ...base, ...registries, resolver, onStored: parts.onStored },
          { signal },
        )
      : undefined;
    // Last, for whoever sees that we are healthy may start containerd.
    const admin = started.use(await serveAdmin(config.admin.listen, { status, signal }));
    const running = started.move();
    return {
      socket: config.store.socket,
      admin: admin.address,
      swarmPort: swarm.port,
      mirror: mirror && { address: mirror.address, ports: mirror.ports },
      reload: (next) => limits.set(ratesOf(next.limits)),
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

async function openFoundations(
  config: ContentProxyConfig,
  { logger, clock, started, signal }: ContentProxyDeps & Cancellable & { started: DisposeStack },
): Promise<Foundations> {
  const { root } = config.store;
  const trackers = sortTrackerUrls(config.trackers);
  const part = (name: string) => logger.with({ part: name });
  const store = started.use(
    await DiskBlobStore.open({ root, clock, logger: part("store") }, { signal }),
  );
  const announcer = started.use(
    new TrackerAnnouncer({
      trackers: trackers.announce,
      peerId: createPeerId(),
      place: placeOf(config.topology),
      clock,
      logger: part("announce"),
    }),
  );
  const directory = started.use(
    new HttpDirectory({
      trackers: trackers.directories,
      seeders: config.seeders,
      lookupTimeoutMs: config.pull.lookupTimeoutMs,
      logger: part("directory"),
      ...(config.publishToken !== undefined && { publishToken: config.publishToken }),
    }),
  );
  const coldSource = started.use(
    new SeederColdSource({
      ...{ seeders: config.seeders, clock },
      passesCredentials: config.mirror.credentialsToSeeders,
    }),
  );
  const limits = new HostLimits();
  limits.set(ratesOf(config.limits));
  const settings = {
    ...config.swarm.listen,
    connectionsMax: config.swarm.connectionsMax,
    peersPerBlobMax: config.swarm.peersPerBlobMax,
    connectionsPerHostMax: config.swarm.connectionsPerHostMax,
    stallBoundMs: config.pull.stallTimeoutMs,
    limits: limits.memory,
    place: placeOf(config.topology),
  };
  const swarm = started.use(
    await TorrentSwarm.open({ settings, announcer, logger: part("swarm") }, { signal }),
  );
  const registries = started.use(await openRegistries({ ...config.origin, limits }));
  const connection = started.use(new ContainerdConnection(config.containerd));
  return { store, directory, coldSource, swarm, limits, registries, connection };
}

/** Opens the store of snapshots, and begins to unpack layers into it. */
async function openSnapshots(
  config: ContentProxyConfig,
  {
    store,
    arrivals,
    recent,
    provenance,
    connection,
    logger,
    clock,
    started,
    signal,
  }: Foundations &
    Pick<ConnectedBlobs, "arrivals" | "recent" | "provenance"> &
    ContentProxyDeps &
    Cancellable & { started: DisposeStack },
): Promise<Snapshots> {
  const { root, threadsMax, limits, prepareTimeoutMs } = config.snapshots;
  const { entriesMax, ratioMax, tarBytesMax } = limits;
  const part = { logger: logger.with({ part: "snapshots" }) };
  const snapshots = started.use(await DiskSnapshotStore.open({ root, clock, ...part }, { signal }));
  const unpacker = started.use(
    new ThreadLayerUnpacker({
      threadsMax: Math.min(threadsMax, availableParallelism()),
      limits: { entriesMax, ratioMax, tarSizeMax: tarBytesMax },
      ...part,
    }),
  );
  const metadata = new ContainerdMetadataClient({ connection });
  const connected = connectRemoteLayers({
    ...{ store, arrivals, recent, provenance, snapshots, unpacker, metadata, prepareTimeoutMs },
    ...{ clock, started, ...part },
  });
  return { store: snapshots, ...connected };
}
