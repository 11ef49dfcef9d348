import { storageErrorFrom } from "../disk/storage-error.ts";
import { LayerFormatError } from "../errors.ts";
import type { ByteString } from "./byte-string.ts";
import { DirectoryCache } from "./directory-cache.ts";
import { type Followed, followPath } from "./follow-path.ts";
import { LayerDirectory } from "./layer-directory.ts";
import type { OpenDirectory } from "./open-directory.ts";
import { isSystemError } from "./system-call-error.ts";

/** The bit of a directory's mode by which what is made in it belongs to its group. */
const setGroup = 0o2000;

/**
 * Gives directories of a layer that no entry describes the mode, owner, times and extended
 * attributes of the same directory in the nearest layer below that has it. What is nowhere below,
 * or is no directory in the nearest that has it, stays as it was made, but for the group that it
 * would have got there.
 *
 * @param path Directory of the layer.
 * @param implied Paths in it, as {@link LayerExtractor} gives them.
 * @param parents Directories of the layers below, nearest first.
 * @throws {StorageFullError} {DataLossError}
 * @see containerd archive/tar.go, mkparent
 */
export async function inheritDirectories(
  path: string,
  implied: readonly ByteString[],
  parents: readonly string[],
): Promise<void> {
  const layer = new OpenTree(path);
  const described = new Set<ByteString>();
  let rest: readonly ByteString[] = implied;
  try {
    for (const parent of parents) {
      if (rest.length === 0) break;
      rest = inheritFrom(parent, rest, { layer, described });
    }
    for (const directory of implied) {
      const above = directory.slice(0, Math.max(directory.lastIndexOf("/"), 0));
      if (!described.has(directory) && described.has(above)) inheritGroup(above, directory, layer);
    }
  } catch (error) {
    throw storageErrorFrom(error);
  } finally {
    layer.close();
  }
}

/** Passes on what one layer has, and gives the directories that it says nothing of. */
function inheritFrom(
  parent: string,
  implied: readonly ByteString[],
  { layer, described }: { readonly layer: OpenTree; readonly described: Set<ByteString> },
): readonly ByteString[] {
  const below = new OpenTree(parent);
  try {
    return implied.filter((directory) => {
      const found = below.follow(directory);
      if (!found || found.leaf !== undefined) return false;
      if (found.missing.length > 0) return true;
      copyDescription(below.open(found.directory), layer.openAt(directory));
      described.add(directory);
      return false;
    });
  } finally {
    below.close();
  }
}

function copyDescription(from: OpenDirectory, to: OpenDirectory): void {
  const { uid, gid, mode, times } = from.status();
  to.setOwner(uid, gid);
  to.setMode(mode);
  to.setTimes(times);
  for (const name of from.attributeNames()) {
    // They are overlayfs's, and about the layer below.
    if (name.startsWith("trusted.")) continue;
    try {
      to.addAttribute(name, from.attribute(name));
    } catch (error) {
      if (!isSystemError(error, "ENOTSUP", "ENODATA")) throw error;
    }
  }
}

/** Does what the kernel would have done, had the directory above been described from the start. */
function inheritGroup(above: ByteString, directory: ByteString, layer: OpenTree): void {
  const { mode, gid } = layer.openAt(above).status();
  if ((mode & setGroup) === 0) return;
  const opened = layer.openAt(directory);
  opened.setOwner(opened.status().uid, gid);
}

/** The tree of one layer, whose directories are found as they are needed. */
class OpenTree {
  readonly #top = new LayerDirectory("", undefined);
  readonly #cache: DirectoryCache;

  constructor(path: string) {
    this.#cache = new DirectoryCache(path);
  }

  open(directory: LayerDirectory): OpenDirectory {
    return this.#cache.open(directory);
  }

  /** Opens a directory that is known to be there, with no link on the way. */
  openAt(path: ByteString): OpenDirectory {
    let directory = this.#top;
    for (const name of path.split("/"))
      directory = directory.child(name) ?? directory.addChild(name);
    return this.open(directory);
  }

  /** Follows a path; `undefined` when something on the way is no directory. */
  follow(path: ByteString): Followed | undefined {
    try {
      const open = (directory: LayerDirectory) => this.open(directory);
      return followPath(path.split("/"), { top: this.#top, open });
    } catch (error) {
      if (error instanceof LayerFormatError) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#cache.close();
  }
}
