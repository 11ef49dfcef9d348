import { join } from "node:path";

import { startDockerd } from "./dockerd.ts";
import { type Engine, type EnginePlace, runEngine } from "./engine.ts";

/** What a Docker daemon is told of registries. */
export interface DockerRegistries {
  /** URLs that it asks, in this order, for what Docker Hub has. */
  readonly mirrors: readonly string[];
  /** Hosts that it may ask without TLS. */
  readonly insecure: readonly string[];
}

/** Starts the machine's Docker daemon, which keeps images by itself. */
export async function startDocker(
  place: EnginePlace,
  { mirrors, insecure }: DockerRegistries,
): Promise<Engine> {
  const { directory } = place;
  const inDirectory = (name: string) => join(directory, name);
  const daemon = await startDockerd(place, {
    settings: {
      ...{ "registry-mirrors": mirrors, "insecure-registries": insecure },
      "storage-driver": "vfs",
    },
  });
  const { docker } = daemon;
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
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}
