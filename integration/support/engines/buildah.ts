import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ensurePackages } from "../apt-packages.ts";
import { type Engine, type EnginePlace, runEngine } from "./engine.ts";

/** Buildah with storage of its own. */
export async function createBuildah(place: EnginePlace): Promise<Engine> {
  await ensurePackages(["buildah"]);
  const { directory } = place;
  const storage = ["--root", join(directory, "storage"), "--runroot", join(directory, "run")];
  const buildah = (...args: readonly string[]) =>
    runEngine(place, ["buildah", ...storage, "--storage-driver", "vfs", ...args]);
  return {
    name: "buildah",
    pull: async (reference) => {
      await buildah("pull", "--quiet", reference);
    },
    imageId: async (reference) => {
      const format = "{{.FromImageID}}";
      const id = await buildah("inspect", "--type", "image", "--format", format, reference);
      return `sha256:${id.trim()}`;
    },
    readImageFile: async (reference, path) => {
      const container = (await buildah("from", "--pull-never", reference)).trim();
      const mount = (await buildah("mount", container)).trim();
      try {
        return await readFile(join(mount, path), "utf8");
      } finally {
        await buildah("rm", container);
      }
    },
    remove: async (reference) => {
      await buildah("rmi", "--force", reference);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
