import { Limiter } from "../../core/async/limiter.ts";
import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { BlobRecord, BlobStore } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { ContentDiscovery } from "../../core/ports/content-discovery.ts";
import type { Directory } from "../../core/ports/directory.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { DescribingOrigin } from "../../core/ports/origin.ts";
import type { OriginRights } from "../../core/ports/origin-rights.ts";
import type { TagResolver } from "../../core/ports/tag-resolver.ts";
import type { Arrivals } from "../arrivals.ts";
import type { ColdFetch } from "../cold-fetch.ts";
import type { ContentProxyConfig } from "../config.ts";
import type { LastUse } from "../last-use.ts";
import type { Prefetch } from "../prefetch.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { RecentBlobs } from "../recent-blobs.ts";
import { BlobSupply } from "./blob-supply.ts";
import { ManifestSupply } from "./manifest-supply.ts";
import { connectAccess } from "./access/connect-access.ts";
import type { MirrorAccess } from "./mirror-access.ts";
import { openOriginBlob, type WantedOriginBlob } from "./origin-blob.ts";
import { RegistryGate } from "./registry-gate.ts";
import { type ServedMirror, serveMirror } from "./serve-mirror.ts";

/** Manifests and lists, of up to 4 MiB each, that are made at once. */
const smallMax = 32;

/** What the mirror is made of. */
export interface ConnectMirrorDeps {
  readonly store: BlobStore;
  readonly arrivals: Arrivals;
  readonly directory: Pick<Directory, "lookup">;
  readonly coldFetch: Pick<ColdFetch, "ask"> | undefined;
  readonly provenance: Provenance;
  readonly prefetch: Pick<Prefetch, "manifestGiven">;
  readonly recent: RecentBlobs;
  readonly lastUse: LastUse;
  readonly origin: DescribingOrigin;
  readonly discovery: ContentDiscovery;
  readonly resolver: TagResolver;
  readonly rights: OriginRights;
  readonly clock: Clock;
  /** Left out: as the configuration says. */
  readonly access?: MirrorAccess;
  /** Told of what came from a registry into the store. */
  readonly onStored: (record: BlobRecord) => void;
  readonly logger: Logger;
  readonly started: DisposeStack;
}

/** Joins the parts of the mirror together, and serves it. */
export async function connectMirror(
  { mirror, pull, origin: { registries } }: Pick<ContentProxyConfig, "mirror" | "pull" | "origin">,
  deps: ConnectMirrorDeps,
  { signal }: Cancellable,
): Promise<ServedMirror> {
  const { provenance, prefetch, origin, discovery, resolver, onStored, started } = deps;
  const { answerTimeoutMs, defaultRegistry } = mirror;
  const logger = deps.logger.with({ part: "mirror" });
  const { stallTimeoutMs, streamLayers } = pull;
  const settings = { stallTimeoutMs, streamLayers };
  const blobs = new BlobSupply({ ...deps, logger, settings });
  // The registry needs its time, too.
  const swarmTimeoutMs = answerTimeoutMs / 2;
  const manifests = started.use(
    new ManifestSupply({ ...deps, blobs, resolver, logger, onStored, swarmTimeoutMs }),
  );
  const gate = new RegistryGate([
    ...[defaultRegistry, ...mirror.ports.map(({ registry }) => registry)],
    ...registries.map(({ host }) => host),
  ]);
  const isTrusted = (registry: string) => gate.knows(registry);
  const access = deps.access ?? connectAccess(mirror, { ...deps, isTrusted, logger });
  const openAtOrigin = (wanted: WantedOriginBlob, options: Cancellable) =>
    openOriginBlob(wanted, { origin, provenance }, options);
  const supplies = { blobs, manifests, openAtOrigin };
  const routes = { ...supplies, resolver, discovery, provenance, prefetch, access, gate };
  return started.use(
    await serveMirror(mirror, {
      deps: { ...routes, small: new Limiter(smallMax), logger, defaultRegistry, answerTimeoutMs },
      signal,
    }),
  );
}
