import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { systemCodeOf } from "./storage-error.ts";

/** How a folder is made. */
export interface MakeFolderOptions {
  /** Rights of it and of those above it that are missing. */
  readonly mode?: number;
}

/**
 * Makes a folder, and those above it, where they are missing.
 *
 * Node's own `recursive` says `ENOENT` of a file system that is read-only, and never ends in a
 * place such as `/proc`, where nothing can be made.
 *
 * @throws what the system says, of the topmost folder that cannot be made
 */
export function makeFolder(path: string, options: MakeFolderOptions = {}): void {
  if (hasMade(path, options)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, options);
  if (hasMade(path, options)) return;
  // What is above it is there, as a link to nowhere is: the system says why not.
  mkdirSync(path, options);
}

/** Whether it is there now; false where something above it is missing. */
function hasMade(path: string, options: MakeFolderOptions): boolean {
  try {
    mkdirSync(path, options);
    return true;
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === "ENOENT") return false;
    if (code === "EEXIST" && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return true;
    throw error;
  }
}
