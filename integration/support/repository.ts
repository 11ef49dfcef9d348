import { join } from "node:path";

/** Folder of the repository. */
export const repositoryPath = join(import.meta.dirname, "..", "..");

/** Folder of what is expensive to get and can be had again; git does not see it. */
export const cachePath = join(repositoryPath, ".cache");
