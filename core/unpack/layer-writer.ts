import { LayerFormatError } from "../errors.ts";
import { quoteBytes } from "./byte-string.ts";
import type { DiskAccount } from "./disk-account.ts";
import { setAttributes } from "./entry-attributes.ts";
import { FileWriter } from "./file-writer.ts";
import type { FileStatus } from "./file-status.ts";
import type { LayerTree, Place } from "./layer-tree.ts";
import type { OpenDirectory } from "./open-directory.ts";
import { flags } from "./syscalls.ts";
import { isSystemError } from "./system-call-error.ts";
import type { TarEntry } from "./tar-entry.ts";
import { type Whiteout, whiteoutFrom } from "./whiteout.ts";

/**
 * What whiteouts become: marks of overlayfs, for a layer on top of others; or nothing, for the
 * lowest layer, where they remove what they name. containerd unpacks the lowest layer so.
 *
 * @see containerd archive/tar_opts_linux.go, OverlayConvertWhiteout; tar.go, applyNaive
 */
export type WhiteoutForm = "overlay" | "removal";

/** Permissions with which things are made; owners may take away the others. */
const permissions = 0o777;

const opaqueMark = Buffer.from("y");

/**
 * Makes in a tree what the entries of a layer say, one after the other. What has the name of an
 * entry is replaced, but for directories by directories.
 *
 * @see containerd archive/tar.go, applyNaive and createTarFile
 */
export class LayerWriter {
  readonly #tree: LayerTree;
  readonly #account: DiskAccount;
  readonly #whiteouts: WhiteoutForm;

  constructor(deps: {
    readonly tree: LayerTree;
    readonly account: DiskAccount;
    readonly whiteouts: WhiteoutForm;
  }) {
    this.#tree = deps.tree;
    this.#account = deps.account;
    this.#whiteouts = deps.whiteouts;
  }

  /**
   * Makes what an entry says.
   *
   * @returns Who takes the content, of a file.
   * @throws {LayerFormatError}
   */
  make(entry: TarEntry): FileWriter | undefined {
    const place = this.#tree.placeOf(entry.name);
    // The top of a layer is the snapshot's own, and never described.
    if (!place) return undefined;
    const whiteout = whiteoutFrom(place.name);
    if (whiteout) {
      if (this.#whiteouts === "overlay") this.#mark(place, whiteout, entry);
      else this.#applyWhiteout(place, whiteout);
      return undefined;
    }
    switch (entry.kind) {
      case "file":
        return this.#makeFile(place, entry);
      case "directory":
        this.#makeDirectory(place, entry);
        break;
      case "symlink":
        this.#makeSymlink(place, entry);
        break;
      case "hardLink":
        this.#makeHardLink(place, entry);
        break;
      case "characterDevice":
        this.#makeNode(place, entry, flags.S_IFCHR);
        break;
      case "blockDevice":
        this.#makeNode(place, entry, flags.S_IFBLK);
        break;
      case "fifo":
        this.#makeNode(place, entry, flags.S_IFIFO);
        break;
      case "globalHeader":
        this.#tree.remove(place);
        break;
    }
    return undefined;
  }

  #makeFile(place: Place, entry: TarEntry): FileWriter {
    const create = () =>
      this.#tree.open(place.parent).createFile(place.name, entry.mode & permissions);
    return new FileWriter(this.#replace(place, create), entry);
  }

  #makeDirectory(place: Place, entry: TarEntry): void {
    const { parent, name } = place;
    let directory = parent.child(name);
    if (!directory) {
      const create = () => this.#tree.open(parent).createDirectory(name, entry.mode & permissions);
      this.#replace(place, create);
      directory = this.#tree.add(place);
    }
    const opened = this.#tree.open(directory);
    const status = opened.status();
    if (status.uid !== entry.uid || status.gid !== entry.gid) opened.setOwner(entry.uid, entry.gid);
    setAttributes(entry, (attribute, value) => opened.setAttribute(attribute, value));
    if (status.mode !== entry.mode || entry.attributes.length > 0) opened.setMode(entry.mode);
    this.#tree.describe(directory, entry.name, entry.times);
  }

  #makeSymlink(place: Place, entry: TarEntry): void {
    this.#replace(place, () =>
      this.#tree.open(place.parent).createSymlink(place.name, entry.linkName),
    );
    this.#describe(place, entry);
  }

  #makeNode(place: Place, entry: TarEntry, type: number): void {
    const device = deviceNumber(entry);
    const mode = type | (entry.mode & permissions);
    this.#replace(place, () => this.#tree.open(place.parent).createNode(place.name, mode, device));
    this.#describe(place, entry);
  }

  /** Gives what is no file or directory, and was just made, what else the entry says of it. */
  #describe({ parent, name }: Place, entry: TarEntry): void {
    const directory = this.#tree.open(parent);
    const status = this.#statusOf(directory, name);
    if (status.uid !== entry.uid || status.gid !== entry.gid) {
      directory.setOwnerOf(name, entry.uid, entry.gid);
    }
    setAttributes(entry, (key, value) => directory.setAttributeOf(name, key, value));
    const isSame = status.mode === entry.mode && entry.attributes.length === 0;
    if (status.kind !== "symlink" && !isSame) directory.setModeOf(name, entry.mode);
    directory.setTimesOf(name, entry.times);
    this.#account.add(entry.attributes.length > 0 ? this.#statusOf(directory, name) : status);
  }

  /**
   * Gives a file of the layer one more name, and what the entry of that says. The owner is set
   * though it be the same: with that go capabilities, in containerd's tree too.
   */
  #makeHardLink(place: Place, entry: TarEntry): void {
    const { parent, name } = place;
    this.#replace(place, () => this.#link(place, entry));
    const directory = this.#tree.open(parent);
    const before = this.#statusOf(directory, name);
    directory.setOwnerOf(name, entry.uid, entry.gid);
    setAttributes(entry, (key, value) => directory.setAttributeOf(name, key, value));
    if (before.kind !== "symlink") directory.setModeOf(name, entry.mode);
    directory.setTimesOf(name, entry.times);
    this.#account.change(before, this.#statusOf(directory, name));
  }

  #link({ parent, name }: Place, { linkName }: TarEntry): boolean {
    const target = this.#tree.linkTargetOf(linkName);
    try {
      const from = this.#tree.open(target.parent);
      return this.#tree.open(parent).createLink(name, from, target.name);
    } catch (error) {
      // The kernel lets nobody link a directory.
      if (!isSystemError(error, "ENOENT", "EPERM")) throw error;
      throw new LayerFormatError(
        `Cannot link to ${quoteBytes(linkName)}: it is no file of this layer`,
        { cause: error },
      );
    }
  }

  #mark({ parent, name }: Place, whiteout: Whiteout, { uid, gid }: TarEntry): void {
    const directory = this.#tree.open(parent);
    if (whiteout.type === "opaque") {
      directory.setAttribute("trusted.overlay.opaque", opaqueMark);
      return;
    }
    if (!directory.createNode(whiteout.name, flags.S_IFCHR, 0)) {
      throw new LayerFormatError(`Cannot unpack ${quoteBytes(name)}: the layer has what it hides`);
    }
    directory.setOwnerOf(whiteout.name, uid, gid);
    this.#account.add(this.#statusOf(directory, whiteout.name));
  }

  #applyWhiteout({ parent }: Place, whiteout: Whiteout): void {
    if (whiteout.type === "opaque") this.#tree.removeImplied(parent);
    else this.#tree.remove({ parent, name: whiteout.name });
  }

  /**
   * Makes something under a name that may be taken: then what has it is removed.
   *
   * @param create Gives nothing when the name is taken.
   */
  #replace<T>(place: Place, create: () => T | false | undefined): T {
    const made = create();
    if (made) return made;
    this.#tree.remove(place);
    const madeNow = create();
    if (madeNow) return madeNow;
    throw new LayerFormatError(`Cannot unpack ${quoteBytes(place.name)}: it cannot be replaced`);
  }

  #statusOf(directory: OpenDirectory, name: string): FileStatus {
    const status = directory.statusOf(name);
    if (status) return status;
    throw new LayerFormatError(`Cannot unpack ${quoteBytes(name)}: it is gone`);
  }
}

/** The number of a device as mknod(2) takes it, of 32 bits. @see linux/kdev_t.h, new_encode_dev */
function deviceNumber({ deviceMajor: major, deviceMinor: minor }: TarEntry): number {
  return (((minor & 0xfff00) << 12) | ((major & 0xfff) << 8) | (minor & 0xff)) >>> 0;
}
