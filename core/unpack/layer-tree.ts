import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";
import { DirectoryCache } from "./directory-cache.ts";
import type { DiskAccount } from "./disk-account.ts";
import { type Followed, followPath } from "./follow-path.ts";
import { LayerDirectory } from "./layer-directory.ts";
import { directoriesMax, pathBytesMax } from "./layer-limits.ts";
import { cleanComponents, rawComponents } from "./layer-path.ts";
import type { OpenDirectory } from "./open-directory.ts";
import type { FileTimes } from "./timestamp.ts";

/** Where something is or will be: under a name in a directory. */
export interface Place {
  readonly parent: LayerDirectory;
  readonly name: ByteString;
}

/** That an entry describes a directory, of which it gives the times. */
interface Description {
  readonly directory: LayerDirectory;
  /** With what is below, when the entry reached the directory by a link. */
  readonly times?: FileTimes;
  readonly components?: readonly ByteString[];
}

/** What directories that nothing describes have where no layer below has them either. */
const impliedMode = 0o755;

/**
 * The tree that a layer becomes: which directories it has, and what names in it lead to.
 *
 * At first it is empty, and nobody else adds to it.
 */
export class LayerTree {
  readonly #top = new LayerDirectory("", undefined);
  readonly #cache: DirectoryCache;
  readonly #account: DiskAccount;
  readonly #pathLengthMax: number;
  readonly #described: Description[] = [];
  #count = 0;
  /** Where the last entry was: the next one is there, too, more often than not. */
  #recent: { readonly path: ByteString; readonly directory: LayerDirectory } | undefined;

  constructor({ root, account }: { readonly root: string; readonly account: DiskAccount }) {
    this.#cache = new DirectoryCache(root);
    this.#account = account;
    // Less the slash after the root and the zero byte at the end.
    this.#pathLengthMax = pathBytesMax - 2 - Buffer.byteLength(root);
  }

  /** @see DirectoryCache.open */
  open(directory: LayerDirectory): OpenDirectory {
    return this.#cache.open(directory);
  }

  /**
   * Where an entry belongs. Makes the directories on the way that are not there.
   *
   * @returns `undefined` for the top itself.
   * @throws {LayerFormatError}
   */
  placeOf(path: ByteString): Place | undefined {
    const { folder, name } = split(path);
    if (folder !== undefined && folder === this.#recent?.path) {
      return this.#checked({ parent: this.#recent.directory, name });
    }
    const components = cleanComponents(path);
    const last = components.pop();
    if (last === undefined) return undefined;
    const parent = this.#makeDirectories(components);
    if (folder !== undefined) this.#recent = { path: folder, directory: parent };
    return this.#checked({ parent, name: last });
  }

  /**
   * What a hard link leads to. It need not be there.
   *
   * @throws {LayerFormatError}
   */
  linkTargetOf(path: ByteString): Place {
    const start = path.lastIndexOf("/") + 1;
    const name = path.slice(start);
    const { directory, missing, leaf } = this.#follow(rawComponents(path.slice(0, start)));
    if (missing.length === 0) {
      const isFolder = name === "" || name === ".";
      if (isFolder && leaf !== undefined) return { parent: directory, name: leaf };
      if (!isFolder && name !== ".." && leaf === undefined) return { parent: directory, name };
    }
    throw new LayerFormatError(`Cannot link to ${quoteBytes(path)}: it is no file of this layer`);
  }

  /** Notes a directory that was made. @throws {LayerFormatError} when it is one too many. */
  add({ parent, name }: Place): LayerDirectory {
    this.#countOne();
    return parent.addChild(name);
  }

  /**
   * An entry of that path describes the directory. Its times are set at the end: to add to a
   * directory changes them.
   */
  describe(directory: LayerDirectory, path: ByteString, times: FileTimes): void {
    const components = cleanComponents(path);
    const isThroughLink = components.join("/") !== directory.components().join("/");
    const isDescribed = directory.times !== undefined;
    directory.times = times;
    if (isThroughLink) {
      this.#countOne();
      this.#described.push({ directory, times, components });
    } else if (!isDescribed) {
      this.#described.push({ directory });
    }
  }

  /** Removes whatever has the name, with all that is in it. Nothing may have it. */
  remove({ parent, name }: Place): void {
    const directory = parent.child(name);
    if (directory) this.#removeDirectory(directory);
    else this.#removeName(this.open(parent), name);
  }

  /** Removes the directories below that no entry has described, with all that is in them. */
  removeImplied(directory: LayerDirectory): void {
    for (const child of [...directory.children]) {
      if (child.isImplied) this.#removeDirectory(child);
      else this.removeImplied(child);
    }
  }

  /**
   * Sets the times of the directories and counts them. Nothing is added from then on.
   *
   * @returns The implied directories, each before those in it.
   */
  finish(): LayerDirectory[] {
    for (const description of this.#described) this.#setTimes(description);
    const implied: LayerDirectory[] = [];
    for (const directory of this.#top.descendants()) {
      this.#countDirectory(directory);
      if (directory.isImplied) implied.push(directory);
    }
    return implied;
  }

  /** Lets go of all that is open. Idempotent. */
  close(): void {
    this.#cache.close();
  }

  #follow(components: readonly ByteString[]): Followed {
    return followPath(components, {
      top: this.#top,
      open: (directory) => this.#cache.open(directory),
    });
  }

  #makeDirectories(components: readonly ByteString[]): LayerDirectory {
    const { directory, missing, leaf } = this.#follow(components);
    if (leaf !== undefined) {
      throw new LayerFormatError(
        `Cannot make directory ${quoteBytes(components.join("/"))}: something else is there`,
      );
    }
    let parent = directory;
    for (const name of missing) {
      const place = this.#checked({ parent, name });
      this.open(parent).createDirectory(name, impliedMode);
      parent = this.add(place);
      this.open(parent).setMode(impliedMode);
    }
    return parent;
  }

  #checked(place: Place): Place {
    if (place.parent.pathLength + place.name.length <= this.#pathLengthMax) return place;
    throw new LayerFormatError(`Cannot unpack ${quoteBytes(place.name)}: its path is too long`);
  }

  #removeDirectory(directory: LayerDirectory): void {
    for (const child of [...directory.children]) this.#removeDirectory(child);
    const opened = this.open(directory);
    for (const name of opened.names()) this.#removeName(opened, name);
    this.#cache.forget(directory);
    if (directory.parent) this.open(directory.parent).removeDirectory(directory.name);
    directory.detach();
    this.#recent = undefined;
  }

  #removeName(directory: OpenDirectory, name: ByteString): void {
    const status = directory.statusOf(name);
    if (!status) return;
    directory.remove(name);
    this.#account.removeName(status);
  }

  /** What is not there any more, or was reached by a link, gives its times to what its path leads to now. */
  #setTimes(description: Description): void {
    const { directory: described, components = described.components() } = description;
    const times = description.times ?? described.times;
    if (!times) return;
    if (!description.components && described.isPresent && described.parent) {
      this.open(described.parent).setTimesOf(described.name, times);
      return;
    }
    const { directory, missing, leaf } = this.#follow(components);
    if (missing.length > 0) {
      const path = quoteBytes(components.join("/"));
      throw new LayerFormatError(`Cannot set times of directory ${path}: it was removed again`);
    }
    if (leaf === undefined) this.open(directory).setTimes(times);
    else this.open(directory).setTimesOf(leaf, times);
  }

  #countOne(): void {
    this.#count++;
    if (this.#count > directoriesMax) {
      throw new LayerFormatError(`Cannot unpack layer: more than ${directoriesMax} directories`);
    }
  }

  #countDirectory(directory: LayerDirectory): void {
    const { parent, name } = directory;
    const status = parent ? this.open(parent).statusOf(name) : this.open(directory).status();
    if (status) this.#account.add(status);
  }
}

/** Takes a path apart, when nothing in it must be followed but for its folder. */
function split(path: ByteString): { readonly folder?: ByteString; readonly name: ByteString } {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end--;
  const start = path.lastIndexOf("/", end - 1);
  const name = path.slice(start + 1, end);
  if (start <= 0 || name === "." || name === "..") return { name };
  return { folder: path.slice(0, start), name };
}
