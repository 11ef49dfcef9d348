import type { HostLimits } from "../core/limits/host-limits.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import {
  type BlobsReport,
  type PushesReport,
  type ServiceStatus,
  type SourceReport,
  statusListMax,
} from "../core/service-status.ts";
import type { BlobCache } from "./blob-cache.ts";
import type { BytesGiven } from "./bytes-given.ts";
import type { NodeTable } from "./nodes/node-table.ts";
import type { PinnedImages } from "./pinned-images.ts";
import type { Preheats } from "./preheats.ts";

/** What {@link createStatus} reports on. */
export interface StatusDeps {
  readonly store: Pick<BlobReader, "records">;
  readonly cache: Pick<BlobCache, "originBytes" | "secondHandBytes" | "underWay">;
  readonly pinned: Pick<PinnedImages, "has">;
  readonly swarm: Pick<Swarm, "status" | "refusals">;
  readonly given: Pick<BytesGiven, "total">;
  /** What blobs are published to, and where they come from. */
  readonly sources: () => readonly SourceReport[];
  readonly preheats: Pick<Preheats, "report">;
  readonly table: Pick<NodeTable, "count" | "nodesMax">;
  readonly pushes: () => PushesReport;
  /** Of how fast bytes may come and go. */
  readonly limits: Pick<HostLimits, "report">;
  readonly clock: Clock;
  readonly version: string;
  readonly budgetBytes: number;
}

/** Returns the function that answers `GET /v1/status`; its uptime counts from now. */
export function createStatus(deps: StatusDeps): () => ServiceStatus {
  const { cache, swarm, preheats, table, clock, version } = deps;
  const startedMs = clock.monotonicMs();
  return () => {
    const swarms = swarm.status();
    const fetches = [...cache.underWay()];
    return {
      service: "seeder",
      version,
      uptimeMs: Math.round(clock.monotonicMs() - startedMs),
      blobs: blobsReport(deps, fetches.length),
      ingests: fetches.slice(0, statusListMax).map(({ digest, registry, bytes, size }) => {
        return { ref: digest, bytes, size, from: registry };
      }),
      swarms: swarms.slice(0, statusListMax),
      sources: deps.sources(),
      preheats: preheats.report(),
      pushes: deps.pushes(),
      nodes: { connected: table.count, connectedMax: table.nodesMax },
      traffic: {
        received: { peers: 0, seeders: cache.secondHandBytes, webSeeds: 0 },
        originBytes: cache.originBytes,
        uploadedBytes: deps.given.total,
      },
      refusals: swarm.refusals,
      limits: deps.limits.report(),
    };
  };
}

function blobsReport({ store, pinned, budgetBytes }: StatusDeps, arriving: number): BlobsReport {
  let [owned, cached, bytes] = [0, 0, 0];
  for (const { digest, size } of store.records()) {
    if (pinned.has(digest)) owned++;
    else cached++;
    bytes += size;
  }
  return { owned, cached, arriving, bytes, budgetBytes };
}
