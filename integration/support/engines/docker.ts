import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../../core/async/dispose-stack.ts";
import { ensurePackages } from "../apt-packages.ts";
import { acceptsConnections } from "../readiness.ts";
import { startProcess } from "../supervised-process.ts";
import { unmountBelow } from "../temporary-directory.ts";
import { type Engine, type EnginePlace, runEngine } from "./engine.ts";

/** What a Docker daemon is told of registries. */
export interface DockerRegistries {
  /** URLs that it asks, in this order, for what Docker Hub has. */
  readonly mirrors: readonly string[];
  /** Hosts that it may ask without TLS. */
  readonly insecure: readonly string[];
}

/** Starts a Docker daemon that leaves the machine's networks and cgroups alone. */
export async function startDocker(
  place: EnginePlace,
  { mirrors, insecure }: DockerRegistries,
): Promise<Engine> {
  await ensurePackages(["docker.io"]);
  const { directory, on } = place;
  const inDirectory = (name: string) => join(directory, name);
  const config = inDirectory("daemon.json");
  await writeFile(
    config,
    JSON.stringify({
      ...{ "registry-mirrors": mirrors, "insecure-registries": insecure },
      ...{ "data-root": inDirectory("data"), "exec-root": inDirectory("exec") },
      ...{ pidfile: inDirectory("docker.pid"), "storage-driver": "vfs" },
      ...{ bridge: "none", iptables: false, ip6tables: false },
    }),
  );
  const socket = inDirectory("docker.sock");
  const started = new DisposeStack();
  started.defer(() => unmountBelow(directory));
  started.use(
    await startProcess({
      name: "dockerd",
      argv: ["dockerd", "--config-file", config, "--host", `unix://${socket}`],
      logPath: inDirectory("dockerd.log"),
      ready: acceptsConnections(socket),
      netns: on.netns,
    }),
  );
  const docker = (...args: readonly string[]) =>
    runEngine(place, ["docker", "--host", `unix://${socket}`, ...args]);
  return {
    name: "docker",
    pull: async (reference) => {
      await docker("pull", "--quiet", reference);
    },
    imageId: async (reference) =>
      (await docker("image", "inspect", "--format", "{{.Id}}", reference)).trim(),
    readImageFile: async (reference, path) => {
      const container = (await docker("create", reference)).trim();
      const target = inDirectory("copied");
      try {
        await docker("cp", `${container}:/${path}`, target);
        return await runEngine(place, ["cat", target]);
      } finally {
        await docker("rm", container);
      }
    },
    push: async (reference, as) => {
      await docker("tag", reference, as);
      await docker("push", "--quiet", as);
      await docker("image", "rm", as);
    },
    remove: async (reference) => {
      await docker("image", "rm", "--force", reference);
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
