import { type ServiceStatus, type SwarmReport, statusListMax } from "../core/service-status.ts";
import type { PublishedMetainfo } from "./published-metainfo.ts";
import type { SwarmTable } from "./swarm-table.ts";

/** What {@link statusOf} tells of. */
export interface StatusDeps {
  readonly swarms: SwarmTable;
  readonly published: PublishedMetainfo;
  readonly version: string;
  readonly uptimeMs: number;
}

/** What a tracker tells of itself. */
export function statusOf({ swarms, published, version, uptimeMs }: StatusDeps): ServiceStatus {
  const reports: SwarmReport[] = [];
  for (const infoHash of swarms.infoHashes()) {
    if (reports.length === statusListMax) break;
    const metainfo = published.peek(infoHash);
    const { seeders, leechers } = swarms.counts(infoHash);
    reports.push({
      infoHash,
      digest: metainfo?.digest ?? "",
      size: metainfo?.layout.size ?? 0,
      bytesDone: 0,
      peers: seeders + leechers,
      uploadedBytes: 0,
      received: { peers: 0, seeders: 0, webSeeds: 0 },
    });
  }
  return {
    service: "tracker",
    version,
    uptimeMs: Math.round(uptimeMs),
    swarms: reports,
    directory: published.report(),
  };
}
