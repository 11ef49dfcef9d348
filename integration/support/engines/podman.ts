import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { ensurePackages } from "../apt-packages.ts";
import { type Engine, type EnginePlace, runEngine } from "./engine.ts";

/** Podman with storage of its own. */
export async function createPodman(place: EnginePlace): Promise<Engine> {
  await ensurePackages(["podman"]);
  const podman = (...args: readonly string[]) =>
    runEngine(place, ["podman", ...storageFlags(place), ...args]);
  return {
    name: "podman",
    pull: async (reference, flags = []) => {
      await podman("pull", "--quiet", ...flags, reference);
    },
    imageId: async (reference) => {
      const id = await podman("image", "inspect", "--format", "{{.Id}}", reference);
      return `sha256:${id.trim()}`;
    },
    readImageFile: async (reference, path) => {
      const mount = (await podman("image", "mount", reference)).trim();
      try {
        return await readFile(join(mount, path), "utf8");
      } finally {
        await podman("image", "unmount", reference);
      }
    },
    remove: async (reference) => {
      await podman("image", "rm", "--force", reference);
    },
    [Symbol.asyncDispose]: async () => {
      await podman("system", "reset", "--force");
    },
  };
}

function storageFlags({ directory }: EnginePlace): readonly string[] {
  return [
    ...["--root", join(directory, "storage"), "--runroot", join(directory, "run")],
    ...["--tmpdir", join(directory, "tmp"), "--storage-driver", "vfs"],
  ];
}
