import type { DisposeStack } from "../core/async/dispose-stack.ts";
import { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { Offering } from "../core/blob-life/offering.ts";
import { platformOfMachine } from "../core/platform.ts";
import type { BlobRecord, BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Directory } from "../core/ports/directory.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Origin } from "../core/ports/origin.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import { Arrivals } from "./arrivals.ts";
import { BlobLookup } from "./blob-lookup.ts";
import { BlobRepositories, type BlobRepositoriesDeps } from "./blob-repositories.ts";
import { BrokenPromises } from "./broken-promises.ts";
import { ColdFetch, type ColdFetchDeps } from "./cold-fetch.ts";
import type { ContentProxyConfig } from "./config.ts";
import { LastResort } from "./last-resort.ts";
import { LastUse } from "./last-use.ts";
import { Prefetch } from "./prefetch.ts";
import { PromiseWithdrawal, type PromiseWithdrawalDeps } from "./promise-withdrawal.ts";
import { Provenance } from "./provenance/provenance.ts";
import { RecentBlobs } from "./recent-blobs.ts";
import { SwarmBlobFetcher } from "./swarm-blob-fetcher.ts";
import { Traffic } from "./traffic.ts";

/** Where blobs are kept, and where they come from. */
export interface ConnectBlobsDeps {
  readonly store: BlobStore;
  readonly directory: Directory;
  /** The seeders, asked for what nobody has. */
  readonly coldSource: ColdFetchDeps["source"];
  readonly swarm: Swarm;
  readonly origin: Origin;
  readonly containerd: BlobRepositoriesDeps["containerd"] & PromiseWithdrawalDeps["containerd"];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly started: DisposeStack;
}

/** How blobs come to this node, stay, are given to others and leave. */
export interface ConnectedBlobs {
  readonly traffic: Traffic;
  readonly offering: Offering;
  readonly budget: CacheBudget;
  readonly recent: RecentBlobs;
  readonly lastUse: LastUse;
  readonly provenance: Provenance;
  readonly arrivals: Arrivals;
  readonly coldFetch: ColdFetch | undefined;
  readonly prefetch: Prefetch;
  readonly fetcher: SwarmBlobFetcher;
  /** Told of each blob that came into the store. */
  readonly onStored: (record: BlobRecord) => void;
}

/** Joins the rules of blobs together; what is started later is disposed of first. */
export function connectBlobs(config: ContentProxyConfig, deps: ConnectBlobsDeps): ConnectedBlobs {
  const { store, directory, coldSource, swarm, origin, containerd, logger, clock, started } = deps;
  const traffic = new Traffic(swarm);
  const offering = started.use(
    new Offering({ store, swarm, directory, logger, enabled: config.offer }),
  );
  const recent = new RecentBlobs();
  const lastUse = new LastUse({ clock });
  const budget = new CacheBudget({
    ...{ store, offering, logger },
    space: () => store.space(),
    rule: {
      budgetBytes: config.cache.budgetBytes,
      lastUseOf: (record) => lastUse.of(record),
      isKept: ({ digest }) => recent.has(digest),
    },
  });
  store.whenFull((bytes) => budget.enforce(bytes));
  const provenance = new Provenance();
  const hosts = config.origin.registries.map(({ host }) => host);
  const repositories = started.use(new BlobRepositories({ containerd, provenance, hosts }));
  const lastResort = new LastResort({ repositories, origin, logger });
  const hasSeeders = config.seeders.length > 0;
  const onStored = (record: BlobRecord) => {
    recent.touch(record.digest);
    offering.add(record);
    void budget.enforce();
  };
  const coldFetch = hasSeeders
    ? new ColdFetch({ source: coldSource, repositories, provenance, logger })
    : undefined;
  const lookup = new BlobLookup({ directory, logger });
  const arrivals = started.use(
    new Arrivals({
      ...{ store, swarm, lookup, lastResort, coldFetch, logger },
      trustPeers: config.pull.trustPeers,
      webSeedsOf: (digest) => config.seeders.map((url) => `${url}/v1/blobs/${digest}`),
      onWhole: onStored,
      onReceived: (received) => traffic.addDownload(received),
    }),
  );
  const prefetch = started.use(
    new Prefetch({
      ...{ store, arrivals, lookup, provenance, logger },
      platform: platformOfMachine(process.arch),
      downloadsMax: config.pull.downloadsMax,
    }),
  );
  const broken = started.use(
    new BrokenPromises({ arrivals, onBroken: (digest) => withdrawal.withdraw(digest) }),
  );
  const fetcher = new SwarmBlobFetcher({
    ...{ store, arrivals, prefetch, offering, budget, traffic, recent, logger, broken },
    settings: config.pull,
  });
  const withdrawal = started.use(
    new PromiseWithdrawal({
      ...{ store, containerd, logger },
      stop: (digest) => arrivals.stopKept(digest),
      forget: (digest) => fetcher.breakPromise(digest),
    }),
  );
  const known = { recent, lastUse, provenance };
  return { traffic, offering, budget, ...known, arrivals, coldFetch, prefetch, fetcher, onStored };
}
