import {
  type BigIntStats,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";

import { type Digest, algorithmOf, isDigest } from "../digest.ts";
import { type Metainfo, parseMetainfo } from "../metainfo.ts";
import type { BlobRecord } from "../ports/blob-store.ts";
import type { Logger } from "../ports/logger.ts";
import { readRecord } from "./blob-record-file.ts";
import type { ArrivingTable } from "./arriving-table.ts";
import type { BlobTable } from "./blob-table.ts";
import { type FolderKind, type StoreLayout, fileSuffixes } from "./store-layout.ts";

/** What {@link loadBlobs} works with. */
export interface LoadBlobsDeps {
  readonly layout: StoreLayout;
  readonly blobs: BlobTable;
  readonly arriving: ArrivingTable;
  readonly logger: Logger;
}

/**
 * Fills the tables from what is on disk, and sweeps what a process left that was killed.
 *
 * - A blob file without a record is one of containerd's: owned, and only here.
 * - A record without a blob file counts if the blob was promised, for then its bytes are to
 *   come, or if it is owned and can be had again: then its file was lost.
 * - An arriving file counts if its metainfo is there, or if the blob was promised: its metainfo
 *   was still to come then.
 */
export function loadBlobs(deps: LoadBlobsDeps): void {
  const described = new Set(describedBlobs(deps.layout));
  loadWhole(deps, described);
  loadArriving(deps);
  loadPromised(deps, described);
  sweepMetainfo(deps, described);
}

function loadWhole({ layout, blobs, logger }: LoadBlobsDeps, described: ReadonlySet<Digest>): void {
  for (const digest of sweep(layout, "blobs")) {
    const stat = lstatSync(layout.blob(digest), { bigint: true });
    if (!stat.isFile()) continue;
    const record = readRecord(layout.record(digest), digest);
    if (record && record.size !== Number(stat.size)) {
      setAside(layout, digest);
      if (!canBeHadAgain(record)) rmSync(layout.record(digest), { force: true });
      logger.error("set a damaged blob aside", { digest, bytes: Number(stat.size) });
    } else if (record) {
      // A process that was killed may have moved the file and not come to say so.
      const { infoHash, ...rest } = { ...record, whole: true };
      blobs.adopt(described.has(digest) && infoHash ? { ...rest, infoHash } : rest);
    } else blobs.adopt(recordOfForeign(digest, stat));
  }
}

function loadArriving({ layout, blobs, arriving }: LoadBlobsDeps): void {
  for (const digest of sweep(layout, "arriving")) {
    const whole = blobs.find(digest) !== undefined;
    const metainfo = whole ? undefined : readMetainfo(layout.metainfo(digest), digest);
    const record = whole ? undefined : readRecord(layout.record(digest), digest);
    if (metainfo) arriving.adopt(metainfo);
    else if (record && !record.whole && canBeHadAgain(record)) arriving.adopt(record);
    else rmSync(layout.arriving(digest), { force: true });
  }
}

/**
 * A process that was killed may have noted `whole` before it moved the file, of an arriving
 * blob or of an ingest. A blob whose file somebody deleted is arriving again, for
 * containerd believes in it.
 */
function loadPromised(
  { layout, blobs, arriving, logger }: LoadBlobsDeps,
  described: ReadonlySet<Digest>,
): void {
  const arrivals = new Set(arriving.digests());
  for (const digest of sweep(layout, "records")) {
    if (blobs.find(digest)) continue;
    const record = readRecord(layout.record(digest), digest);
    const isLost = record?.whole === true && !arrivals.has(digest);
    if (!record?.owned || (isLost && !(canBeHadAgain(record) && !isIngested(layout, record)))) {
      rmSync(layout.record(digest), { force: true });
      continue;
    }
    if (isLost) logger.error("the file of a blob is lost", { digest, bytes: record.size });
    const { infoHash, ...rest } = { ...record, whole: false };
    blobs.adopt(described.has(digest) && infoHash ? { ...rest, infoHash } : rest);
  }
}

/** Whether an ingest has all bytes of a blob: then containerd was not told that it is whole. */
function isIngested({ ingests }: StoreLayout, { digest, size }: BlobRecord): boolean {
  return readdirSync(ingests).some((name) => {
    try {
      const ref = readFileSync(join(ingests, name, "ref"), "utf8");
      return ref.endsWith(digest) && lstatSync(join(ingests, name, "data")).size === size;
    } catch {
      return false;
    }
  });
}

/** Whether its bytes can be fetched from elsewhere, and checked. */
function canBeHadAgain({ digest, owned, provenance }: BlobRecord): boolean {
  return owned && provenance === "pull" && algorithmOf(digest) === "sha256";
}

function sweepMetainfo(
  { layout, blobs, arriving }: LoadBlobsDeps,
  described: Iterable<Digest>,
): void {
  const arrivals = new Set(arriving.digests());
  for (const digest of described) {
    if (!arrivals.has(digest) && blobs.find(digest)?.infoHash === undefined) {
      rmSync(layout.metainfo(digest), { force: true });
    }
  }
}

/** The digests that a folder has files for. What is not named like one is left over, and deleted. */
function* sweep(layout: StoreLayout, kind: FolderKind): Iterable<Digest> {
  const suffix = fileSuffixes[kind];
  for (const { algorithm, path } of layout.folders(kind)) {
    for (const name of readdirSync(path)) {
      const digest = `${algorithm}:${name.slice(0, name.length - suffix.length)}`;
      if (name.endsWith(suffix) && isDigest(digest)) yield digest;
      // Among containerd's blobs nothing is ours to delete.
      else if (kind !== "blobs") rmSync(join(path, name), { recursive: true, force: true });
    }
  }
}

/** @see containerd plugins/content/local/store.go: creation is mtime, update is atime. */
function recordOfForeign(digest: Digest, stat: BigIntStats): BlobRecord {
  return {
    digest,
    size: Number(stat.size),
    createdAt: stat.mtimeNs,
    updatedAt: stat.atimeNs,
    labels: {},
    provenance: "local",
    owned: true,
    whole: true,
  };
}

/** Keeps bytes that nobody can use for people to look at: they may be the only ones. */
function setAside(layout: StoreLayout, digest: Digest): void {
  mkdirSync(layout.damaged, { recursive: true });
  renameSync(layout.blob(digest), join(layout.damaged, digest));
}

/** Blobs that have metainfo. It is empty when the machine went down before it was on disk. */
function* describedBlobs(layout: StoreLayout): Iterable<Digest> {
  for (const digest of sweep(layout, "metainfo")) {
    if (lstatSync(layout.metainfo(digest)).size > 0) yield digest;
    else rmSync(layout.metainfo(digest));
  }
}

/** The metainfo kept of a blob; `undefined` when there is none that is good. */
export function readMetainfo(path: string, digest: Digest): Metainfo | undefined {
  try {
    const metainfo = parseMetainfo(readFileSync(path));
    return metainfo.digest === digest ? metainfo : undefined;
  } catch {
    return undefined;
  }
}
