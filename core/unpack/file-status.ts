import type { FileTimes } from "./timestamp.ts";

/** What statx(2) tells of a file. */
export interface FileStatus {
  readonly kind: FileKind;
  /** Permissions with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many names it has. */
  readonly links: number;
  /** Bytes of the blocks that it takes on disk. */
  readonly diskSize: number;
  readonly times: FileTimes;
}

/** What the caller of statx(2) tells apart. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** Length of struct statx in words of 32 bits, the same on all processors. @see linux/stat.h */
export const statusWords = 64;

/** Unit of the number of blocks, whatever block size the file system has. */
const blockBytes = 512;

const kindMask = 0o170000;
const kinds = new Map<number, FileKind>([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o120000, "symlink"],
]);

/** Reads struct statx, given as words of 32 bits in the order of a little-endian processor. */
export function readStatus(words: Uint32Array): FileStatus {
  const mode = (words[7] ?? 0) & 0xffff;
  return {
    kind: kinds.get(mode & kindMask) ?? "other",
    mode: mode & 0o7777,
    uid: words[5] ?? 0,
    gid: words[6] ?? 0,
    links: words[4] ?? 0,
    diskSize: long(words, 12) * blockBytes,
    times: {
      accessed: { seconds: long(words, 16), nanoseconds: words[18] ?? 0 },
      modified: { seconds: long(words, 28), nanoseconds: words[30] ?? 0 },
    },
  };
}

/** A number of 64 bits with a sign, exact up to 2^53. */
function long(words: Uint32Array, index: number): number {
  return (words[index] ?? 0) + ((words[index + 1] ?? 0) | 0) * 2 ** 32;
}
