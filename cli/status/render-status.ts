import type {
  BlobsReport,
  DirectoryReport,
  IngestReport,
  LayerReport,
  LimitReport,
  RefusalsReport,
  ServiceStatus,
  SourceReport,
  SwarmReport,
  TrafficReport,
} from "../../core/service-status.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatDuration } from "../format-duration.ts";
import { type Column, formatTable, printable } from "../format-table.ts";
import { renderPreheats } from "./render-preheats.ts";
import { renderPushCounts, renderPushes } from "./render-pushes.ts";

/** Rows of a list that are shown; who wants more takes `--json`. */
const rowsMax = 20;

/** Renders a status for a person: one line each for the small things, then the lists. */
export function renderStatus(status: ServiceStatus): string {
  const { service, version, uptimeMs, blobs, traffic, directory, nodes } = status;
  const head = [
    `${service} ${printable(version)}, up ${formatDuration(uptimeMs)}`,
    ...(blobs ? [`blobs      ${renderBlobs(blobs)}`] : []),
    ...(traffic ? [`traffic    ${renderTraffic(traffic)}`] : []),
    ...(status.refusals ? [`refusals   ${renderRefusals(status.refusals)}`] : []),
    ...(status.limits?.length ? [`limits     ${renderLimits(status.limits)}`] : []),
    ...(status.pushes ? [`pushes     ${renderPushCounts(status.pushes)}`] : []),
    ...(directory ? [`directory  ${renderDirectory(directory)}`] : []),
    ...(nodes ? [`nodes      ${nodes.connected} of at most ${nodes.connectedMax}`] : []),
  ];
  const sections = [
    `${head.join("\n")}\n`,
    ...(status.pushes?.list.length ? [renderPushes(status.pushes.list.slice(0, rowsMax))] : []),
    ...(status.preheats?.length ? [renderPreheats(status.preheats.slice(0, rowsMax))] : []),
    ...(status.ingests ? [renderIngests(status.ingests)] : []),
    ...(status.layers ? [renderLayers(status.layers)] : []),
    ...(status.swarms
      ? [service === "tracker" ? renderTracked(status.swarms) : renderSwarms(status.swarms)]
      : []),
    ...(status.sources ? [renderSources(status.sources)] : []),
  ];
  return sections.filter((section) => section !== "").join("\n");
}

function renderBlobs({ owned, cached, arriving, bytes, budgetBytes }: BlobsReport): string {
  const budget = budgetBytes === undefined ? "" : ` (budget ${formatBytes(budgetBytes)})`;
  return `${owned} owned, ${cached} cached, ${arriving} arriving, ${formatBytes(bytes)}${budget}`;
}

function renderTraffic({ received, originBytes, uploadedBytes }: TrafficReport): string {
  const parts = [
    `${formatBytes(received.peers)} from peers`,
    `${formatBytes(received.seeders)} from seeders`,
    `${formatBytes(received.webSeeds)} from web seeds`,
    `${formatBytes(originBytes)} from registries`,
    `${formatBytes(uploadedBytes)} given`,
  ];
  return parts.join(", ");
}

function renderRefusals({ given, met }: RefusalsReport): string {
  return `${given} given to nodes that found no place, ${met} met`;
}

function renderLimits(limits: readonly LimitReport[]): string {
  const parts = limits.map(
    ({ name, bytesPerSecond }) => `${printable(name)} ${formatBytes(bytesPerSecond)}/s`,
  );
  return parts.join(", ");
}

function renderDirectory({ entries, entriesMax, bytes, bytesMax }: DirectoryReport): string {
  return `${entries} of at most ${entriesMax} blobs, ${formatBytes(bytes)} of ${formatBytes(bytesMax)}`;
}

function renderIngests(ingests: readonly IngestReport[]): string {
  return section(
    "INGEST",
    [left("FROM"), right("DONE"), right("SIZE"), right("")],
    ingests.map(({ ref, from, bytes, size }) => [
      shortened(ref),
      from,
      formatBytes(bytes),
      size > 0 ? formatBytes(size) : "?",
      percentage(bytes, size),
    ]),
  );
}

function renderLayers(layers: readonly LayerReport[]): string {
  return section(
    "LAYER",
    [left("STATE"), right("DONE"), right("SIZE"), right(""), right("RATE"), right("ENTRIES")],
    layers.map(({ digest, state, bytes, size, bytesPerSecond, entries }) => [
      shortened(digest),
      state,
      formatBytes(bytes),
      formatBytes(size),
      percentage(bytes, size),
      bytesPerSecond === undefined ? "" : `${formatBytes(bytesPerSecond)}/s`,
      entries === undefined ? "" : String(entries),
    ]),
  );
}

function renderSwarms(swarms: readonly SwarmReport[]): string {
  // What is under way first, then what most peers want.
  const sorted = swarms.toSorted(
    (a, b) => Number(a.bytesDone >= a.size) - Number(b.bytesDone >= b.size) || b.peers - a.peers,
  );
  return section(
    "SWARM",
    [right("SIZE"), right(""), right("PEERS"), right("RECEIVED"), right("GIVEN")],
    sorted.map(({ digest, size, bytesDone, peers, received, uploadedBytes }) => [
      shortened(digest),
      formatBytes(size),
      percentage(bytesDone, size),
      String(peers),
      formatBytes(received.peers + received.seeders + received.webSeeds),
      formatBytes(uploadedBytes),
    ]),
  );
}

/** A tracker has no bytes itself, and knows the digest only of what is in its directory. */
function renderTracked(swarms: readonly SwarmReport[]): string {
  return section(
    "SWARM",
    [right("SIZE"), right("PEERS")],
    swarms
      .toSorted((a, b) => b.peers - a.peers)
      .map(({ digest, infoHash, size, peers }) => [
        digest === "" ? infoHash : shortened(digest),
        size > 0 ? formatBytes(size) : "?",
        String(peers),
      ]),
  );
}

function renderSources(sources: readonly SourceReport[]): string {
  return section(
    "SOURCE",
    [left("KIND"), left("STATE"), right("RECEIVED"), left("")],
    sources.map(({ name, kind, up, bytes, problem }) => [
      name,
      kind,
      up === undefined ? "not asked yet" : up ? "up" : "down",
      bytes === undefined ? "" : formatBytes(bytes),
      problem ?? "",
    ]),
  );
}

function section(
  title: string,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return "";
  const more = rows.length - rowsMax;
  const table = formatTable([left(title), ...columns], rows.slice(0, rowsMax));
  return more > 0 ? `${table}… and ${more} more\n` : table;
}

function left(title: string): Column {
  return { title, align: "left" };
}

function right(title: string): Column {
  return { title, align: "right" };
}

function percentage(part: number, whole: number): string {
  return whole > 0 ? `${Math.floor((100 * part) / whole)} %` : "";
}

/** containerd's refs and digests are told apart by their kind and first digits. */
function shortened(name: string): string {
  return name.replace(/(sha(?:256|384|512):[0-9a-f]{12})[0-9a-f]+/, "$1");
}
