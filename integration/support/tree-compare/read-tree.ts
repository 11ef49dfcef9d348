import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from "node:fs";

import { digestFile } from "./digest-file.ts";
import { printableName } from "./printable-name.ts";
import { readXattrs } from "./xattrs.ts";

/** What is known of an entry, each thing by its name, as text that can be compared and shown. */
export type TreeEntry = Readonly<Record<string, string>>;

/** The entries of a tree by their printable paths; that of its root is `.`. */
export type Tree = ReadonlyMap<string, TreeEntry>;

export interface ReadTreeOptions {
  /**
   * Milliseconds since the epoch. Times between then and now are those of the writing itself, and
   * are told as `now`: two writers are never at it in the same nanosecond.
   */
  readonly writtenSinceMs?: number;
}

/** A clock of the kernel's that is read for file times may be a tick behind others. */
const clockToleranceMs = 1_000;

const nanosecondsPerSecond = 1_000_000_000n;

/**
 * Reads everything about a directory tree that a user of it could notice, once and in one
 * go. Not told are where the holes of a sparse file are, and the access time of
 * directories and symlinks, which change by being looked at.
 */
export function readTree(root: string, { writtenSinceMs }: ReadTreeOptions = {}): Tree {
  const now = BigInt(Date.now() + clockToleranceMs) * 1_000_000n;
  const since =
    writtenSinceMs === undefined ? now : BigInt(writtenSinceMs - clockToleranceMs) * 1_000_000n;
  const reader = new TreeReader((time) => (time >= since && time < now ? "now" : formatTime(time)));
  reader.read(Buffer.from(root), ".");
  return reader.entries;
}

class TreeReader {
  readonly entries = new Map<string, TreeEntry>();
  readonly #formatTime: (nanoseconds: bigint) => string;
  /** Of each file that has several names the first one, and its content's digest. */
  readonly #firstNames = new Map<bigint, { readonly name: string; readonly content: TreeEntry }>();

  constructor(format: (nanoseconds: bigint) => string) {
    this.#formatTime = format;
  }

  read(path: Buffer, name: string): void {
    const stats = lstatSync(path, { bigint: true });
    this.entries.set(name, {
      ...this.#common(path, name, stats),
      ...this.#linked(path, name, stats),
    });
    if (!stats.isDirectory()) return;
    for (const child of readdirSync(path, { encoding: "buffer" }).sort((a, b) => a.compare(b))) {
      const childName = printableName(child);
      this.read(
        Buffer.concat([path, Buffer.from("/"), child]),
        name === "." ? childName : `${name}/${childName}`,
      );
    }
  }

  #common(path: Buffer, name: string, stats: BigIntStats): TreeEntry {
    const facets: Record<string, string> = {
      type: typeOf(stats),
      mode: (stats.mode & 0o7777n).toString(8),
      owner: `${stats.uid}:${stats.gid}`,
    };
    // No entry of a layer describes the root: its time is that of the last name in it.
    if (name !== ".") facets["mtime"] = this.#formatTime(stats.mtimeNs);
    if (!stats.isDirectory() && !stats.isSymbolicLink()) {
      facets["atime"] = this.#formatTime(stats.atimeNs);
    }
    for (const [key, value] of readXattrs(path)) facets[`xattr ${key}`] = value.toString("hex");
    return facets;
  }

  /** What all names of one file share. Directories have as many links as they have in them. */
  #linked(path: Buffer, name: string, stats: BigIntStats): TreeEntry {
    if (stats.isDirectory()) return {};
    if (stats.nlink === 1n) return contentOf(path, stats);
    const first = this.#firstNames.get(stats.ino) ?? { name, content: contentOf(path, stats) };
    this.#firstNames.set(stats.ino, first);
    return { ...first.content, links: String(stats.nlink), "same file as": first.name };
  }
}

function contentOf(path: Buffer, stats: BigIntStats): TreeEntry {
  if (stats.isFile()) return { size: String(stats.size), content: digestFile(path) };
  if (stats.isSymbolicLink()) {
    return { target: printableName(readlinkSync(path, { encoding: "buffer" })) };
  }
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return { device: deviceOf(stats.rdev) };
  return {};
}

function typeOf(stats: BigIntStats): string {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character device";
  if (stats.isBlockDevice()) return "block device";
  if (stats.isFIFO()) return "FIFO";
  return "socket";
}

/** Major and minor number, out of the order of bits that glibc's `makedev(3)` gives them. */
function deviceOf(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

function formatTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / nanosecondsPerSecond;
  const rest = nanoseconds % nanosecondsPerSecond;
  return `${seconds}.${String(rest).padStart(9, "0")}`;
}
