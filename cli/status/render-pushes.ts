import type { PushReport, PushesReport } from "../../core/service-status.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatTable } from "../format-table.ts";

const columns = [
  { title: "PUSH", align: "left" },
  { title: "ID", align: "left" },
  { title: "STATE", align: "left" },
  { title: "SIZE", align: "right" },
  { title: "SINCE", align: "left" },
  { title: "", align: "left" },
] as const;

/** Renders how much waits for its registry, in one line. */
export function renderPushCounts({ uploads, waiting, refused }: PushesReport): string {
  return `${uploads} uploads, ${waiting} wait for their registry, ${refused} of them refused`;
}

/** Renders what waits for its registry, as a table. */
export function renderPushes(pushes: readonly PushReport[]): string {
  return formatTable(
    columns,
    pushes.map(({ name, id, state, size, since, problem = "" }) => [
      name.replace(/(sha(?:256|384|512):[0-9a-f]{12})[0-9a-f]+/, "$1"),
      id,
      state,
      formatBytes(size),
      since.slice(0, "2026-01-01T00:00:00".length).replace("T", " "),
      problem,
    ]),
  );
}
