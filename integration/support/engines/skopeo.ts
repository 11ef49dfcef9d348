import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { hexOf, parseDigest } from "../../../core/digest.ts";
import { ensurePackages } from "../apt-packages.ts";
import { runCommand } from "../command.ts";
import { type Engine, type EnginePlace, registriesConfPath, runEngine } from "./engine.ts";

interface Manifest {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** Skopeo, which copies images into a folder and has no storage. */
export async function createSkopeo(place: EnginePlace): Promise<Engine> {
  await ensurePackages(["skopeo"]);
  const folderOf = (reference: string) =>
    join(place.directory, reference.replaceAll(/[^\w.]/g, "_"));
  const manifestOf = async (reference: string) => {
    const text = await readFile(join(folderOf(reference), "manifest.json"), "utf8");
    return JSON.parse(text) as Manifest;
  };
  return {
    name: "skopeo",
    pull: async (reference) => {
      const target = `dir:${folderOf(reference)}`;
      const conf = registriesConfPath(place.directory);
      const argv = ["skopeo", "--registries-conf", conf, "copy", "--quiet"] as const;
      await runEngine(place, [...argv, `docker://${reference}`, target]);
    },
    imageId: async (reference) => (await manifestOf(reference)).config.digest,
    readImageFile: async (reference, path) => {
      // The tests' files are in the lowest layer.
      const [layer] = (await manifestOf(reference)).layers;
      const file = join(folderOf(reference), hexOf(parseDigest(layer?.digest ?? "")));
      const { stdout } = await runCommand(["tar", "--extract", "--to-stdout", "-f", file, path]);
      return stdout;
    },
    remove: (reference) => rm(folderOf(reference), { recursive: true }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
