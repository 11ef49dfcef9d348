import { access } from "node:fs/promises";
import { join } from "node:path";

import { ensurePackages } from "./apt-packages.ts";
import { runCommand } from "./command.ts";
import { unpackFromSuite } from "./debian-suite.ts";
import { withFileLock } from "./file-lock.ts";
import { cachePath } from "./repository.ts";

/** The lines of containerd that we test with, and the Debian suites that have them. */
const suites = {
  "1.6": ["bookworm"],
  "1.7": ["trixie"],
  // The newest 2.x: testing first, for it is installable more often.
  "2.x": ["forky", "sid"],
} as const;

export type ContainerdLine = keyof typeof suites;

/** All lines, the oldest first. */
export const containerdLines = Object.keys(suites) as readonly ContainerdLine[];

/** Programs of one containerd release on this machine. */
export interface ContainerdRelease {
  readonly line: ContainerdLine;
  /** Version as the program says it, without what Debian adds. */
  readonly version: string;
  /** Folder of containerd, ctr and the shims, to be first in the search path. */
  readonly binPath: string;
}

/**
 * Gets programs of a line of containerd: the machine's own if it is of that line,
 * else from a newer or older suite of Debian, which is kept for the next time.
 * Installs runc too.
 */
export async function ensureContainerd(line: ContainerdLine): Promise<ContainerdRelease> {
  const installed = await ensureInstalledContainerd();
  if (installed.line === line) return installed;

  const target = join(cachePath, `containerd-${line}`);
  await withFileLock(`${target}.lock`, () => unpackUnlessThere(line, target));
  return releaseAt(join(target, "usr", "bin"));
}

/** Gets the containerd that this machine's Debian has, of whatever line it is. */
export async function ensureInstalledContainerd(): Promise<ContainerdRelease> {
  await ensurePackages(["containerd", "runc"]);
  return releaseAt("/usr/bin");
}

/** Runs the program, which also tells whether it can run with the libc of this machine. */
async function releaseAt(binPath: string): Promise<ContainerdRelease> {
  const { stdout } = await runCommand([join(binPath, "containerd"), "--version"]);
  const version = /\bv?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`Cannot read a version from ${stdout}`);
  const line = containerdLines.find((each) => version.startsWith(each.replace("x", "")));
  if (line === undefined) throw new Error(`Cannot use containerd ${version}: not of a known line`);
  return { line, version, binPath };
}

async function unpackUnlessThere(line: ContainerdLine, target: string): Promise<void> {
  if (await exists(target)) return;
  process.stderr.write(`shoal: fetching containerd ${line}\n`);
  const failures: unknown[] = [];
  for (const suite of suites[line]) {
    try {
      await unpackFromSuite("containerd", { suite, target });
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `Cannot get containerd ${line} from Debian`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
