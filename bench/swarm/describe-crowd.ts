import { percentile } from "../statistics.ts";
import type { CrowdResult } from "./crowd-once.ts";

/** What befell the nodes of one run, in a line: who gave, and how long nothing came. */
export function describeCrowd({ nodes, seederSentBytes, processorShare }: CrowdResult): string {
  const done = nodes.map(({ doneMs }) => doneMs).filter((doneMs) => doneMs !== undefined);
  const reports = nodes.map(({ report }) => report).filter((report) => report !== undefined);
  const bySeeders = reports.map(({ received }) => received.seeders / 1e6);
  const parts = [
    `${done.length} of ${nodes.length} done`,
    `after ${spread(done.map((doneMs) => doneMs / 1000))} s`,
    `the seeder sent ${Math.round(seederSentBytes / 1e6)} MB`,
    `${Math.round(processorShare * 100)} % of the processors`,
  ];
  if (reports.length > 0) {
    parts.push(
      `each got ${spread(bySeeders)} MB from it`,
      `the first piece after ${spread(reports.map(({ firstPieceMs }) => firstPieceMs))} ms`,
      `nothing for up to ${spread(reports.map(({ longestIdleMs }) => longestIdleMs))} ms`,
    );
  }
  const readers = reports.map(({ reader }) => reader).filter((reader) => reader !== undefined);
  if (readers.length > 0) {
    parts.push(
      `readers had their first byte after ${spread(readers.map(({ firstByteMs }) => firstByteMs))} ms`,
      `waited for up to ${spread(readers.map(({ longestWaitMs }) => longestWaitMs))} ms`,
      `had all after ${spread(readers.map(({ wholeMs }) => wholeMs / 1000))} s`,
    );
  }
  return parts.join(", ");
}

/** Smallest, middle and largest. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return "–";
  return [0, 0.5, 1].map((part) => percentile(values, part).toFixed(1)).join("/");
}
