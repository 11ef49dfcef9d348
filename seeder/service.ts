import type { IncomingMessage } from "node:http";
import { join } from "node:path";

import { TrackerAnnouncer } from "../core/announce/tracker-announcer.ts";
import { DisposeStack } from "../core/async/dispose-stack.ts";
import { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { Offering } from "../core/blob-life/offering.ts";
import { ratesOf } from "../core/config/host-limits-schema.ts";
import { placeOf } from "../core/config/topology-schema.ts";
import { HttpDirectory } from "../core/directory/http-directory.ts";
import { SeederColdSource } from "../core/directory/seeder-cold-source.ts";
import { RecordFolder } from "../core/disk/record-folder.ts";
import { HttpClient } from "../core/http/http-client.ts";
import { listenHttp } from "../core/http/listen-http.ts";
import { formatImageReference, parseImageReference } from "../core/image-reference.ts";
import { malformedAnswer } from "../core/oci-api/api-answer.ts";
import { HostLimits } from "../core/limits/host-limits.ts";
import type { PeerAddress } from "../core/peer-address.ts";
import { createPeerId } from "../core/peer-id.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { DescribingOrigin } from "../core/ports/origin.ts";
import { openRegistries } from "../core/registry/open-registries.ts";
import type { SourceReport } from "../core/service-status.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { TorrentSwarm } from "../core/torrent/torrent-swarm.ts";
import { sortTrackerUrls } from "../core/tracker-urls.ts";
import packageJson from "../package.json" with { type: "json" };
import { BlobCache } from "./blob-cache.ts";
import { BlobRoom } from "./blob-room.ts";
import { BlobsInUse } from "./blobs-in-use.ts";
import { BytesGiven } from "./bytes-given.ts";
import type { SeederConfig } from "./config.ts";
import { connectColdFetches } from "./connect-cold-fetches.ts";
import { connectPreheats } from "./connect-preheats.ts";
import type { PreheatRoutesDeps } from "./http/preheat-routes.ts";
import { advertisedHostOf } from "./http/own-address.ts";
import { seederHandler } from "./http/seeder-handler.ts";
import { KnownBlobs } from "./known-blobs.ts";
import { DirectoryOrigin } from "./origins/directory-origin.ts";
import { OriginTable } from "./origins/origin-table.ts";
import { ResponsibleSeeder } from "./origins/responsible-seeder.ts";
import { PinnedImages } from "./pinned-images.ts";
import { type Push, connectPush, openPushQueue } from "./push/connect-push.ts";
import { isPush } from "./push/http/push-handler.ts";
import type { BlobGiver } from "./second-hand.ts";
import { StateFile } from "./state-file.ts";
import { createStatus } from "./status.ts";
import { connectTags } from "./tags/connect-tags.ts";
import { UploadWatch } from "./upload-watch.ts";

/** What {@link startSeeder} gets from its process. */
export interface SeederDeps {
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A seeder that runs. Dispose of it to stop it. */
export interface Seeder extends AsyncDisposable {
  readonly http: PeerAddress;
  /** Port on which peers reach us. */
  readonly swarmPort: number;
  /** Takes over what can change while it runs: limits. */
  reload(config: SeederConfig): void;
}

/**
 * Blobs from one other seeder at once. A registry that is slow there makes it silent for a while;
 * one that hangs must not hold up for long what somebody pulls meanwhile.
 */
const seederClientSettings = {
  ...{ connectionsMax: 64, answerLengthMax: 0 },
  ...{ connectTimeoutMs: 1300, silenceMs: 15_000 },
};

type Starting = SeederDeps & Cancellable & { readonly started: DisposeStack };

/** Starts a seeder. On failure nothing is left open. */
export async function startSeeder(
  config: SeederConfig,
  { logger, clock }: SeederDeps,
  { signal }: Cancellable,
): Promise<Seeder> {
  const started = new DisposeStack();
  try {
    const starting = { logger, clock, signal, started };
    const swarmParts = await openSwarm(config, starting);
    const parts = await openCache(config, { ...starting, ...swarmParts });
    const { store, swarm, directory, limits } = swarmParts;
    // First: what is pinned is fetched at once, and must not take the room of uploads.
    const pushing = { ...starting, ...parts, store, limits, tags: parts.book };
    const push = await connectPush(config, pushing);
    const preheat = await connectPreheats(config, { ...starting, ...parts, store });
    const sources = () => [...directory.status(), ...parts.origin.report()];
    const serving = { preheat, push, store, swarm, limits, sources, logger, clock };
    const handle = createHandler(config, { ...parts, ...serving });
    // Each node that waits for tasks has a connection of its own.
    const connectionsMax = config.connectionsMax + config.preheat.nodesMax;
    const mayBeLong = (request: IncomingMessage) => push.handler !== undefined && isPush(request);
    // Said before a route is known: pushes have the strictest clients.
    const malformed = malformedAnswer;
    const http = started.use(
      await listenHttp(config.listen, { connectionsMax, handle, mayBeLong, malformed, signal }),
    );
    // First of all at the end: else the server waits in vain for what nodes wait for.
    started.use(preheat.table);
    const running = started.move();
    return {
      http: http.address,
      swarmPort: swarm.port,
      reload: (next) => limits.set(ratesOf(next.limits)),
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}

/** The store, and the swarm that offers what is in it. */
async function openSwarm(config: SeederConfig, { logger, clock, signal, started }: Starting) {
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
      seeders: [],
      // A seeder looks nothing up: it holds the blob, or an origin does.
      lookupTimeoutMs: 1000,
      logger: part("directory"),
      ...(config.publishToken !== undefined && { publishToken: config.publishToken }),
    }),
  );
  const { listen, connectionsMax, connectionsPerHostMax } = config.swarm;
  const limits = new HostLimits();
  limits.set(ratesOf(config.limits));
  const settings = {
    ...{ ...listen, connectionsMax, connectionsPerHostMax, dedicatedSeeder: true },
    limits: limits.memory,
    place: placeOf(config.topology),
  };
  const swarm = started.use(
    await TorrentSwarm.open({ settings, announcer, logger: part("swarm") }, { signal }),
  );
  return { store, directory, swarm, limits };
}

/** The cache in front of the origins. What is on disk is offered at once. */
async function openCache(
  config: SeederConfig,
  {
    store,
    directory,
    swarm,
    limits,
    logger,
    clock,
    started,
  }: Starting & Awaited<ReturnType<typeof openSwarm>>,
) {
  const { root, budgetBytes, pins } = config.store;
  const fileIn = (name: string) => new StateFile({ path: join(root, name), logger });
  const known = await KnownBlobs.open({ file: fileIn("known-blobs.jsonl"), clock });
  started.defer(() => known.save());
  const pinned = await PinnedImages.open({
    file: fileIn("pinned-images.json"),
    references: new Set(pins.map((text) => formatImageReference(parseImageReference(text)))),
  });
  const inUse = new BlobsInUse();
  const folder = await RecordFolder.open({ path: join(root, "pushes"), logger });
  const queue = await openPushQueue(config, { folder, clock, logger });
  const offering = started.use(new Offering({ store, swarm, directory, logger, enabled: true }));
  const budget = new CacheBudget({
    ...{ store, offering, logger },
    rule: {
      budgetBytes,
      lastUseOf: (record) => known.lastUseOf(record),
      isKept: ({ digest }) => pinned.has(digest) || inUse.has(digest) || queue.holds(digest),
    },
  });
  const uploads = new UploadWatch({ swarm, known });
  const room = new BlobRoom({ store, budget, budgetBytes, noteUses: () => uploads.look() });
  const { origin, ...registries } = await openOrigins(config, { limits, started });
  const tagsFile = fileIn("tags.jsonl");
  const tagParts = await connectTags(config.tags, { origin, clock, started, file: tagsFile });
  const { blobsMax, pullBlobsMax } = config.fetch;
  const blobs = behindOtherSeeders(origin, config.cluster, { limits, logger, clock, started });
  const cache = started.use(
    new BlobCache({ store, origin: blobs, offering, room, known, blobsMax, pullBlobsMax, logger }),
  );
  const given = new BytesGiven(swarm);
  const fetching = { store, cache, origin, known, swarm, logger, started };
  const coldFetches = connectColdFetches(fetching);
  // The budget may be smaller than it was before the restart.
  await budget.enforce();
  offering.addAll();
  const fetchParts = { known, pinned, inUse, room, origin, cache, offering, given, coldFetches };
  return { ...fetchParts, queue, ...registries, ...tagParts };
}

async function openOrigins(
  config: SeederConfig,
  { limits, started }: { readonly limits: HostLimits; readonly started: DisposeStack },
) {
  const { origins, credentialsFile, otherRegistries } = config;
  const registries = origins.filter((origin) => origin.kind === "registry");
  const opened = started.use(await openRegistries({ registries, credentialsFile, limits }));
  const { origin: registry, writer, discovery } = opened;
  const byHost = new Map<string, DescribingOrigin>(registries.map(({ host }) => [host, registry]));
  for (const origin of origins) {
    if (origin.kind === "directory") byHost.set(origin.host, new DirectoryOrigin(origin.path));
  }
  const origin = new OriginTable(byHost, otherRegistries ? registry : undefined);
  return { origin, writer, discovery };
}

/** The origin, before which other seeders are asked where their addresses are known. */
function behindOtherSeeders(
  origin: OriginTable,
  { self, others: urls }: SeederConfig["cluster"],
  {
    limits,
    logger,
    clock,
    started,
  }: Pick<Starting, "logger" | "clock" | "started"> & { readonly limits: HostLimits },
): BlobGiver {
  if (self === undefined || urls.length === 0) return origin;
  const sourceOf = (url: string) => {
    const source = new SeederColdSource({ seeders: [url], clock, passesCredentials: false });
    started.defer(() => source[Symbol.dispose]());
    return source;
  };
  const others = new Map(urls.map((url) => [url, sourceOf(url)]));
  const client = new HttpClient(seederClientSettings);
  started.defer(() => client[Symbol.dispose]());
  return new ResponsibleSeeder({ self, others, client, origin, limits, logger });
}

function createHandler(
  config: SeederConfig,
  deps: SeederDeps & {
    readonly store: DiskBlobStore;
    readonly swarm: TorrentSwarm;
    readonly limits: HostLimits;
    readonly preheat: PreheatRoutesDeps;
    readonly push: Push;
    readonly sources: () => readonly SourceReport[];
  } & Awaited<ReturnType<typeof openCache>>,
) {
  const { store, swarm, limits, cache, known, origin, pinned, given, coldFetches } = deps;
  const { preheat, push, tags, sources, clock, logger } = deps;
  const { version } = packageJson;
  const { budgetBytes } = config.store;
  const status = createStatus({
    store,
    cache,
    pinned,
    swarm,
    given,
    sources,
    limits,
    clock,
    version,
    budgetBytes,
    ...preheat,
    pushes: push.report,
  });
  return seederHandler({
    ...{ store, cache, known, origin, preheat, push, tags, given, limits, coldFetches },
    ...{ status, logger },
    swarmPort: swarm.port,
    advertiseHost: advertisedHostOf(config.swarm),
  });
}
