import { access } from "node:fs/promises";
import { join } from "node:path";

import { unpackFromSuite } from "../debian-suite.ts";
import { withFileLock } from "../file-lock.ts";
import { cachePath } from "../repository.ts";

/** The first Debian with a Docker that can keep its images in containerd. */
const suite = "trixie";

/**
 * Gets a Docker daemon that can keep its images in containerd, which is kept for the next time.
 *
 * @returns its path.
 */
export async function ensureDockerOnContainerd(): Promise<string> {
  const target = join(cachePath, `docker-${suite}`);
  await withFileLock(`${target}.lock`, async () => {
    const isThere = await access(target).then(
      () => true,
      () => false,
    );
    if (!isThere) await unpackFromSuite("docker.io", { suite, target });
  });
  return join(target, "usr", "sbin", "dockerd");
}
