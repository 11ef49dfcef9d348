import { constants } from "node:os";

import koffi from "koffi";

import type { ByteString } from "./byte-string.ts";
import { pathBytesMax } from "./layer-limits.ts";
import { SystemCallError } from "./system-call-error.ts";
import type { FileTimes, Timestamp } from "./timestamp.ts";

/** Functions of C, by their names there: numbers in, a number out, below zero for a failure. */
interface Syscalls {
  readonly openat: (fd: number, name: Uint8Array, flags: number, mode: number) => number;
  readonly close: (fd: number) => number;
  readonly pwrite: (fd: number, bytes: Uint8Array, size: number, offset: number) => number;
  readonly ftruncate: (fd: number, size: number) => number;
  readonly statx: (
    ...args: [fd: number, name: Uint8Array, flags: number, mask: number, status: Uint32Array]
  ) => number;
  readonly fchown: (fd: number, uid: number, gid: number) => number;
  readonly fchmod: (fd: number, mode: number) => number;
  readonly futimens: (fd: number, times: Uint32Array) => number;
  readonly fsetxattr: (
    ...args: [fd: number, name: Uint8Array, value: Uint8Array, size: number, flags: number]
  ) => number;
  readonly fgetxattr: (fd: number, name: Uint8Array, value: Uint8Array, size: number) => number;
  readonly flistxattr: (fd: number, names: Uint8Array, size: number) => number;
  readonly mkdirat: (fd: number, name: Uint8Array, mode: number) => number;
  readonly symlinkat: (target: Uint8Array, fd: number, name: Uint8Array) => number;
  readonly linkat: (
    ...args: [fromFd: number, from: Uint8Array, toFd: number, to: Uint8Array, flags: number]
  ) => number;
  readonly mknodat: (
    ...args: [call: number, fd: number, name: Uint8Array, mode: number, device: number]
  ) => number;
  readonly readlinkat: (fd: number, name: Uint8Array, target: Uint8Array, size: number) => number;
  readonly unlinkat: (fd: number, name: Uint8Array, flags: number) => number;
  readonly fchownat: (
    ...args: [fd: number, name: Uint8Array, uid: number, gid: number, flags: number]
  ) => number;
  readonly utimensat: (fd: number, name: Uint8Array, times: Uint32Array, flags: number) => number;
  readonly lsetxattr: (
    ...args: [path: Uint8Array, name: Uint8Array, value: Uint8Array, size: number, flags: number]
  ) => number;
}

/** The C library that Node itself runs on, glibc or musl. */
const library = koffi.load(null);

/**
 * System calls that Node lacks, or has by path and UTF-8 only. They block: for threads that
 * have nothing else to do.
 */
export const syscalls: Syscalls = {
  openat: library.func("int openat(int, const void *, int, uint32_t)"),
  close: library.func("int close(int)"),
  pwrite: library.func("int64_t pwrite(int, const void *, uint64_t, int64_t)"),
  ftruncate: library.func("int ftruncate(int, int64_t)"),
  statx: library.func("int statx(int, const void *, int, uint32_t, void *)"),
  fchown: library.func("int fchown(int, uint32_t, uint32_t)"),
  fchmod: library.func("int fchmod(int, uint32_t)"),
  futimens: library.func("int futimens(int, const void *)"),
  fsetxattr: library.func("int fsetxattr(int, const void *, const void *, uint64_t, int)"),
  fgetxattr: library.func("int64_t fgetxattr(int, const void *, void *, uint64_t)"),
  flistxattr: library.func("int64_t flistxattr(int, void *, uint64_t)"),
  mkdirat: library.func("int mkdirat(int, const void *, uint32_t)"),
  symlinkat: library.func("int symlinkat(const void *, int, const void *)"),
  linkat: library.func("int linkat(int, const void *, int, const void *, int)"),
  // By the number of the call: glibc has no such function before 2.33.
  mknodat: library.func("int64_t syscall(int64_t, int64_t, const void *, uint64_t, uint64_t)"),
  readlinkat: library.func("int64_t readlinkat(int, const void *, void *, uint64_t)"),
  unlinkat: library.func("int unlinkat(int, const void *, int)"),
  fchownat: library.func("int fchownat(int, const void *, uint32_t, uint32_t, int)"),
  utimensat: library.func("int utimensat(int, const void *, const void *, int)"),
  lsetxattr: library.func("int lsetxattr(const void *, const void *, const void *, uint64_t, int)"),
};

/** Flags of Linux that Node does not name, the same on all processors that Node runs on. */
export const flags = {
  AT_EMPTY_PATH: 0x1000,
  AT_FDCWD: -100,
  AT_REMOVEDIR: 0x200,
  AT_SYMLINK_NOFOLLOW: 0x100,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
  S_IFBLK: 0o060000,
  S_IFCHR: 0o020000,
  S_IFIFO: 0o010000,
  STATX_BASIC_STATS: 0x7ff,
  XATTR_CREATE: 1,
} as const;

/** The empty name: with AT_EMPTY_PATH, what the descriptor itself is open on. */
export const emptyName = new Uint8Array(1);

// Calls block and copy what they are given, so one place for each of their arguments is enough.
const nameBuffers = [Buffer.alloc(pathBytesMax), Buffer.alloc(pathBytesMax)] as const;

/** Two of struct timespec: seconds and nanoseconds, in words of a little-endian processor. */
const timeWords = new Uint32Array(8);

/**
 * A name as C takes it, good until the next name is asked for.
 *
 * @param options.slot Another for each name of one call.
 * @throws {SystemCallError} when it is too long, or would end early at a zero byte.
 */
export function nameOf(text: ByteString, { slot = 0 }: { readonly slot?: 0 | 1 } = {}): Buffer {
  if (text.length >= pathBytesMax) throw new SystemCallError("name", constants.errno.ENAMETOOLONG);
  if (text.includes("\0")) throw new SystemCallError("name", constants.errno.EINVAL);
  const buffer = nameBuffers[slot];
  buffer.write(text, "latin1");
  buffer[text.length] = 0;
  return buffer;
}

/** Times as C takes them, good until the next are asked for. */
export function timesOf({ accessed, modified }: FileTimes): Uint32Array {
  putTime(accessed, 0);
  putTime(modified, 4);
  return timeWords;
}

/**
 * Passes on what a system call gave.
 *
 * @throws {SystemCallError} when that is a failure.
 */
export function succeeded(result: number, call: string): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}

/** Whether a call failed in the way of `errno`, a number of `os.constants.errno`. */
export function failedWith(result: number, errno: number): boolean {
  return result < 0 && koffi.errno() === errno;
}

function putTime({ seconds, nanoseconds }: Timestamp, index: number): void {
  timeWords[index] = seconds % 2 ** 32;
  timeWords[index + 1] = Math.floor(seconds / 2 ** 32);
  timeWords[index + 2] = nanoseconds;
}
