import { access } from "node:fs/promises";
import { join } from "node:path";

import { runCommand } from "../command.ts";
import { unpackFromSuite } from "../debian-suite.ts";
import { withFileLock } from "../file-lock.ts";
import { cachePath } from "../repository.ts";

/** The first Debian with a Docker that can keep its images in containerd. */
const suite = "trixie";

/**
 * Gets a Docker daemon that can keep its images in containerd, which is kept for the next time.
 *
 * @returns its path.
 * @throws {CommandError} when it cannot be fetched, or cannot run on this machine.
 */
export async function ensureDockerOnContainerd(): Promise<string> {
  const target = join(cachePath, `docker-${suite}`);
  await withFileLock(`${target}.lock`, async () => {
    const isThere = await access(target).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    process.stderr.write(`shoal: fetching docker of ${suite}\n`);
    await unpackFromSuite("docker.io", { suite, target });
  });
  const program = join(target, "usr", "sbin", "dockerd");
  // Tells whether it can run with the libraries of this machine.
  await runCommand([program, "--version"]);
  return program;
}
