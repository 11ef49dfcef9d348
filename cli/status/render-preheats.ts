import type { PreheatReport } from "../../core/service-status.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatTable } from "../format-table.ts";

/** Renders images that are fetched before somebody pulls them, as a table. */
export function renderPreheats(preheats: readonly PreheatReport[]): string {
  // A node's have no name to cancel them by.
  const hasIds = preheats.some(({ id }) => id !== undefined);
  const columns = [
    { title: "PREHEAT", align: "left" },
    ...(hasIds ? [{ title: "ID", align: "left" } as const] : []),
    { title: "STATE", align: "left" },
    { title: "DONE", align: "right" },
    { title: "SIZE", align: "right" },
    { title: "NODES", align: "left" },
  ] as const;
  return formatTable(
    columns,
    preheats.map(({ id = "", image, state, bytes, size, nodes }) => [
      image,
      ...(hasIds ? [id] : []),
      state,
      formatBytes(bytes),
      size > 0 ? formatBytes(size) : "?",
      nodes ? `${nodes.done} of ${nodes.count}, ${nodes.failed} failed` : "",
    ]),
  );
}
