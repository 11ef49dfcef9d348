import { constants } from "node:os";

import type { ByteString } from "./byte-string.ts";
import { type FileStatus, readStatus, statusWords } from "./file-status.ts";
import { openDescriptors } from "./open-descriptors.ts";
import { emptyName, failedWith, flags, nameOf, succeeded, syscalls, timesOf } from "./syscalls.ts";
import type { FileTimes } from "./timestamp.ts";

const { AT_EMPTY_PATH, STATX_BASIC_STATS, XATTR_CREATE } = flags;

/** Bytes of one extended attribute, or of the names of all. @see linux/limits.h, XATTR_SIZE_MAX */
const attributeBytesMax = 64 * 1024;

/** Where statx(2) writes to; read before the next call. */
const status = new Uint32Array(statusWords);

/** A file or directory that is open. Its owner closes it, once. */
export class Descriptor {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
    openDescriptors().opened(fd);
  }

  status(): FileStatus {
    const result = syscalls.statx(this.fd, emptyName, AT_EMPTY_PATH, STATX_BASIC_STATS, status);
    succeeded(result, "statx");
    return readStatus(status);
  }

  setOwner(uid: number, gid: number): void {
    succeeded(syscalls.fchown(this.fd, uid, gid), "fchown");
  }

  setMode(mode: number): void {
    succeeded(syscalls.fchmod(this.fd, mode), "fchmod");
  }

  setTimes(times: FileTimes): void {
    succeeded(syscalls.futimens(this.fd, timesOf(times)), "futimens");
  }

  setAttribute(name: ByteString, value: Uint8Array): void {
    const result = syscalls.fsetxattr(this.fd, nameOf(name), value, value.byteLength, 0);
    succeeded(result, "fsetxattr");
  }

  /** Sets an extended attribute unless there is one of that name. */
  addAttribute(name: ByteString, value: Uint8Array): void {
    const result = syscalls.fsetxattr(this.fd, nameOf(name), value, value.byteLength, XATTR_CREATE);
    if (!failedWith(result, constants.errno.EEXIST)) succeeded(result, "fsetxattr");
  }

  /** Names of the extended attributes; none where the file system has no such thing. */
  attributeNames(): ByteString[] {
    const names = Buffer.alloc(attributeBytesMax);
    const size = syscalls.flistxattr(this.fd, names, names.length);
    if (failedWith(size, constants.errno.EOPNOTSUPP)) return [];
    succeeded(size, "flistxattr");
    return names.toString("latin1", 0, size).split("\0").slice(0, -1);
  }

  attribute(name: ByteString): Uint8Array {
    const value = Buffer.alloc(attributeBytesMax);
    const size = syscalls.fgetxattr(this.fd, nameOf(name), value, value.length);
    return value.subarray(0, succeeded(size, "fgetxattr"));
  }

  close(): void {
    openDescriptors().closing(this.fd);
    syscalls.close(this.fd);
  }
}
