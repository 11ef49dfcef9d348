import { ensurePackages } from "./apt-packages.ts";
import { containerdLines, ensureContainerd } from "./containerd-release.ts";
import { ensureDockerOnContainerd } from "./engines/docker-release.ts";

/** What the integration tests use of Debian, each test having to name its own all the same. */
export const integrationPackages = [
  ...["containerd", "runc", "docker-registry", "busybox-static", "iproute2", "openssl"],
  ...["golang-go", "golang-github-containerd-containerd-dev", "aria2", "transmission-cli"],
  ...["python3-minimal", "podman", "buildah", "skopeo", "docker.io"],
] as const;

/**
 * Gets everything that integration tests need at once, so that it takes none of
 * their time. Cheap when nothing is missing. What one test alone needs may be
 * missing: it is told of here, and fails that test.
 */
export async function prepareIntegration(): Promise<void> {
  await ensurePackages(integrationPackages);
  for (const line of containerdLines) await ensureContainerd(line);
  await ensureDockerOnContainerd().catch((error: unknown) => {
    process.stderr.write(
      `shoal: cannot get docker: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  });
}
