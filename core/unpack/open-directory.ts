import { chmodSync, constants as files, readdirSync } from "node:fs";
import { constants } from "node:os";

import type { ByteString } from "./byte-string.ts";
import { Descriptor } from "./descriptor.ts";
import { type FileStatus, readStatus, statusWords } from "./file-status.ts";
import { pathBytesMax } from "./layer-limits.ts";
import { OpenFile } from "./open-file.ts";
import { failedWith, flags, nameOf, succeeded, syscalls, timesOf } from "./syscalls.ts";
import { SystemCallError } from "./system-call-error.ts";
import type { FileTimes } from "./timestamp.ts";

const { EEXIST, ENOENT, ENOSYS } = constants.errno;
const { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_PATH, STATX_BASIC_STATS } = flags;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = files;

const directoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const createFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

/** Numbers of mknodat(2). @see linux/asm/unistd.h */
const mknodatNumbers: Partial<Record<string, number>> = { x64: 259, arm64: 33 };

/** Where statx(2) writes to; read before the next call. */
const status = new Uint32Array(statusWords);

/**
 * A directory that is open, and what is in it.
 *
 * A `name` is one component of a path. It is never followed where it is a symbolic link, so
 * nothing here reaches outside of the directory. What makes something leaves alone what has
 * the name already, and tells so by `false` or `undefined`.
 */
export class OpenDirectory extends Descriptor {
  /** Opens the directory at a path, for which symbolic links are followed. */
  static at(path: string): OpenDirectory {
    const name = nameOf(Buffer.from(path).toString("latin1"));
    const fd = syscalls.openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return new OpenDirectory(succeeded(fd, "open"));
  }

  open(name: ByteString): OpenDirectory {
    const fd = syscalls.openat(this.fd, nameOf(name), directoryFlags, 0);
    return new OpenDirectory(succeeded(fd, "openat"));
  }

  createFile(name: ByteString, mode: number): OpenFile | undefined {
    const fd = syscalls.openat(this.fd, nameOf(name), createFlags, mode);
    return isTaken(fd) ? undefined : new OpenFile(succeeded(fd, "openat"));
  }

  createDirectory(name: ByteString, mode: number): boolean {
    return created(syscalls.mkdirat(this.fd, nameOf(name), mode), "mkdirat");
  }

  createSymlink(name: ByteString, target: ByteString): boolean {
    const result = syscalls.symlinkat(nameOf(target, { slot: 1 }), this.fd, nameOf(name));
    return created(result, "symlinkat");
  }

  /** Gives what has the name `existing` in the directory `from` a name here. */
  createLink(name: ByteString, from: OpenDirectory, existing: ByteString): boolean {
    const existingName = nameOf(existing, { slot: 1 });
    return created(syscalls.linkat(from.fd, existingName, this.fd, nameOf(name), 0), "linkat");
  }

  /** @param mode Type and permissions, as mknod(2) takes them. */
  createNode(name: ByteString, mode: number, device: number): boolean {
    const number = mknodatNumbers[process.arch];
    if (number === undefined) throw new SystemCallError("mknodat", ENOSYS);
    return created(syscalls.mknodat(number, this.fd, nameOf(name), mode, device), "mknodat");
  }

  statusOf(name: ByteString): FileStatus | undefined {
    const nameBytes = nameOf(name);
    const result = syscalls.statx(
      ...([this.fd, nameBytes, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, status] as const),
    );
    if (failedWith(result, ENOENT)) return undefined;
    succeeded(result, "statx");
    return readStatus(status);
  }

  readLink(name: ByteString): ByteString {
    const target = Buffer.alloc(pathBytesMax);
    const size = syscalls.readlinkat(this.fd, nameOf(name), target, target.length);
    return target.toString("latin1", 0, succeeded(size, "readlinkat"));
  }

  names(): ByteString[] {
    return readdirSync(`/proc/self/fd/${this.fd}`, { encoding: "latin1" });
  }

  /** Removes what is no directory. */
  remove(name: ByteString): void {
    succeeded(syscalls.unlinkat(this.fd, nameOf(name), 0), "unlinkat");
  }

  removeDirectory(name: ByteString): void {
    succeeded(syscalls.unlinkat(this.fd, nameOf(name), AT_REMOVEDIR), "unlinkat");
  }

  setOwnerOf(name: ByteString, uid: number, gid: number): void {
    const result = syscalls.fchownat(this.fd, nameOf(name), uid, gid, AT_SYMLINK_NOFOLLOW);
    succeeded(result, "fchownat");
  }

  /** Sets the mode of what is no symbolic link. */
  setModeOf(name: ByteString, mode: number): void {
    // There is no call that neither follows links nor opens devices, but for the newest kernels.
    const flagsOfOpen = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    const fd = syscalls.openat(this.fd, nameOf(name), flagsOfOpen, 0);
    const opened = new Descriptor(succeeded(fd, "openat"));
    try {
      chmodSync(`/proc/self/fd/${opened.fd}`, mode);
    } finally {
      opened.close();
    }
  }

  setTimesOf(name: ByteString, times: FileTimes): void {
    const words = timesOf(times);
    succeeded(syscalls.utimensat(this.fd, nameOf(name), words, AT_SYMLINK_NOFOLLOW), "utimensat");
  }

  setAttributeOf(name: ByteString, attribute: ByteString, value: Uint8Array): void {
    // The last component is not followed; the one before is this directory, not a path to it.
    const path = nameOf(`/proc/self/fd/${this.fd}/${name}`, { slot: 1 });
    const result = syscalls.lsetxattr(path, nameOf(attribute), value, value.byteLength, 0);
    succeeded(result, "lsetxattr");
  }
}

function created(result: number, call: string): boolean {
  return isTaken(result) ? false : succeeded(result, call) >= 0;
}

function isTaken(result: number): boolean {
  return failedWith(result, EEXIST);
}
