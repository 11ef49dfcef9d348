import assert from "node:assert/strict";

import { LRUCache } from "lru-cache";

import type { LayerDirectory } from "./layer-directory.ts";
import { OpenDirectory } from "./open-directory.ts";

/**
 * Directories of one layer that are kept open. A tar stream goes through a tree in order, so few
 * are enough; all layers at once stay far below the number of files a process may open.
 */
const openMax = 64;

/**
 * Opens the directories of a layer, and keeps those that were used last.
 *
 * Each is opened by name in its parent, links not followed: so a directory of a layer is never
 * mistaken for one that a link leads to.
 */
export class DirectoryCache {
  readonly #rootPath: string;
  readonly #open = new LRUCache<LayerDirectory, OpenDirectory>({
    max: openMax,
    dispose: (directory) => directory.close(),
  });
  #root: OpenDirectory | undefined;

  constructor(rootPath: string) {
    this.#rootPath = rootPath;
  }

  /** The directory, open at least until the one after the next is asked for. */
  open(directory: LayerDirectory): OpenDirectory {
    const known = this.#known(directory);
    if (known) return known;
    const { name, parent } = directory;
    assert(parent, "the top of a layer is always known");
    // Kept, too: the next one is beside this one, more often than not.
    const above = this.#known(parent) ?? this.#keep(parent, this.#openThrough(parent));
    return this.#keep(directory, above.open(name));
  }

  /** Closes the directory, which is to be removed. */
  forget(directory: LayerDirectory): void {
    this.#open.delete(directory);
  }

  /** Closes all. Idempotent. */
  close(): void {
    this.#open.clear();
    this.#root?.close();
    this.#root = undefined;
  }

  #known(directory: LayerDirectory): OpenDirectory | undefined {
    if (directory.parent) return this.#open.get(directory);
    this.#root ??= OpenDirectory.at(this.#rootPath);
    return this.#root;
  }

  #keep(directory: LayerDirectory, opened: OpenDirectory): OpenDirectory {
    this.#open.set(directory, opened);
    return opened;
  }

  /** Those on the way are not kept: a deep one would push out all others. */
  #openThrough({ name, parent }: LayerDirectory): OpenDirectory {
    assert(parent, "the top of a layer is always known");
    const known = this.#known(parent);
    if (known) return known.open(name);
    const above = this.#openThrough(parent);
    try {
      return above.open(name);
    } finally {
      above.close();
    }
  }
}
