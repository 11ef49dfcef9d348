import { join } from "node:path";

import { hasCommand, runCommand } from "./command.ts";
import { withFileLock } from "./file-lock.ts";
import { cachePath } from "./repository.ts";

/** Something is missing that we may not, or cannot, install. */
export class MissingPackagesError extends Error {
  override readonly name = "MissingPackagesError";
  readonly packages: readonly string[];

  constructor(packages: readonly string[], why: string, options?: ErrorOptions) {
    const advice = `On Debian, as root: apt-get install ${packages.join(" ")}`;
    super(`Missing ${packages.join(", ")}, and ${why}. ${advice}`, options);
    this.packages = packages;
  }
}

/**
 * Keeps a package's daemons from being started: systemctl ignores what needs a
 * running system when it is told that there is none, and init scripts are not for
 * runlevel 1. Nothing of the machine is changed for that.
 */
const installEnvironment = {
  DEBIAN_FRONTEND: "noninteractive",
  SYSTEMD_OFFLINE: "1",
  RUNLEVEL: "1",
};

/**
 * Installs those of the packages that are missing. Safe to call from several
 * processes at once, and cheap when nothing is missing.
 *
 * @throws {MissingPackagesError} when we are not root, or apt cannot do it.
 */
export async function ensurePackages(packages: readonly string[]): Promise<void> {
  if ((await missingOf(packages)).length === 0) return;
  await withFileLock(join(cachePath, "apt.lock"), async () => {
    const missing = await missingOf(packages);
    if (missing.length === 0) return;
    const obstacle = await obstacleOfMachine();
    if (obstacle !== undefined) throw new MissingPackagesError(missing, obstacle);
    process.stderr.write(`shoal: installing ${missing.join(" ")}\n`);
    try {
      await install(missing);
    } catch (error) {
      throw new MissingPackagesError(missing, "apt failed to install them", { cause: error });
    }
  });
}

/**
 * Why this machine cannot have the packages, and run daemons, if it cannot: with those that are
 * missing, and how to get them.
 */
export async function adviceForMachine(packages: readonly string[]): Promise<string | undefined> {
  const obstacle = await obstacleOfMachine();
  if (obstacle === undefined) return undefined;
  const missing = await missingOf(packages);
  return missing.length > 0 ? new MissingPackagesError(missing, obstacle).message : obstacle;
}

/** Why packages cannot be installed, and daemons run, on this machine, if they cannot. */
async function obstacleOfMachine(): Promise<string | undefined> {
  if (process.platform !== "linux") return "this is not Linux";
  if (!(await hasCommand("apt-get"))) return "this machine has no apt";
  if (process.getuid?.() !== 0) return "only root may install packages and run containerd";
  return undefined;
}

async function missingOf(packages: readonly string[]): Promise<string[]> {
  if (!(await hasCommand("dpkg-query"))) return [...packages];
  // It ends with 1 when a package is unknown, and prints the others all the same.
  const script =
    'dpkg-query --show -f "\\${Package} \\${db:Status-Status}\\n" "$@" 2>/dev/null; true';
  const shown = await runCommand(["sh", "-c", script, "sh", ...packages]);
  const installed = new Set(shown.stdout.split("\n"));
  return packages.filter((name) => !installed.has(`${name} installed`));
}

async function install(packages: readonly string[]): Promise<void> {
  const command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "--quiet", "--yes"] as const;
  const options = { env: installEnvironment };
  const installing = [...command, "install", "--no-install-recommends", ...packages] as const;
  try {
    await runCommand(installing, options);
  } catch {
    // Lists that are missing or old are the usual reason.
    await runCommand([...command, "update"], options);
    await runCommand(installing, options);
  }
}
