import type { HostLimits } from "../core/limits/host-limits.ts";
import type { BlobStore } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import {
  type BlobsReport,
  type IngestReport,
  type ServiceStatus,
  type SourceReport,
  statusListMax,
} from "../core/service-status.ts";
import type { Arrivals } from "./arrivals.ts";
import type { TaskRunner } from "./preheat/task-runner.ts";
import type { LayerJobs } from "./remote-snapshots/layer-jobs.ts";
import type { Traffic } from "./traffic.ts";

/** What {@link createStatus} reports on. */
export interface StatusDeps {
  readonly store: BlobStore;
  readonly arrivals: Arrivals;
  readonly swarm: Swarm;
  readonly traffic: Traffic;
  /** What is asked for blobs. */
  readonly sources: () => readonly SourceReport[];
  /** Those that unpack layers here, where snapshots are served. */
  readonly jobs?: Pick<LayerJobs, "report"> | undefined;
  /** Images that seeders have this node fetch, where that is enabled. */
  readonly preheats?: Pick<TaskRunner, "report"> | undefined;
  /** Of how fast bytes may come and go. */
  readonly limits: Pick<HostLimits, "report">;
  readonly clock: Clock;
  readonly version: string;
  readonly budgetBytes: number;
}

/** Returns the function that answers `GET /v1/status`; its uptime counts from now. */
export function createStatus(deps: StatusDeps): () => ServiceStatus {
  const { arrivals, swarm, traffic, jobs, preheats, clock, version } = deps;
  const startedMs = clock.monotonicMs();
  return () => {
    const underWay = [...arrivals].flatMap(({ received }) => received ?? []);
    return {
      service: "content-proxy",
      version,
      uptimeMs: Math.round(clock.monotonicMs() - startedMs),
      blobs: blobsReport(deps),
      ingests: [...ingestReports(deps)].slice(0, statusListMax),
      swarms: swarm.status().slice(0, statusListMax),
      sources: deps.sources(),
      ...(jobs && { layers: jobs.report() }),
      ...(preheats && { preheats: preheats.report() }),
      traffic: traffic.report(underWay),
      refusals: swarm.refusals,
      limits: deps.limits.report(),
    };
  };
}

function blobsReport({ store, arrivals, budgetBytes }: StatusDeps): BlobsReport {
  let [owned, cached, bytes] = [0, 0, 0];
  for (const record of store.records()) {
    if (record.owned) owned++;
    else cached++;
    if (record.whole) bytes += record.size;
  }
  return { owned, cached, arriving: arrivals.count, bytes, budgetBytes };
}

function* ingestReports({ store, arrivals }: StatusDeps): Generator<IngestReport> {
  for (const { digest, bytesDone, size } of arrivals) {
    yield { ref: digest, bytes: bytesDone, size, from: "swarm" };
  }
  for (const { ref, offset, total } of store.ingests()) {
    yield { ref, bytes: offset, size: total, from: "containerd" };
  }
}
