import { constants, closeSync, openSync } from "node:fs";

import { DataLossError } from "../errors.ts";

/** Numbers of getdents64(2). @see linux/asm/unistd.h */
const getdentsNumbers: Partial<Record<string, number>> = { x64: 217, arm64: 61 };

/** Enough for the first few entries of a folder, in bytes; one is at most 280. */
const listingLength = 4096;

/** Where the parts of struct linux_dirent64 begin, in bytes. */
const recordLengthAt = 16;
const typeAt = 18;
const nameAt = 19;

const typeUnknown = 0;

/**
 * Whether the file system of a folder says in its listings what is a file and what a folder
 * (`d_type`). Where it does not, overlayfs shows files that upper layers have deleted.
 *
 * Node hides this: it looks at each entry whose type is not told.
 *
 * @param folder One that has something in it.
 * @throws {DataLossError} when it cannot be listed.
 * @see containerd continuity fs/dtype_linux.go, SupportsDType
 */
export async function tellsFileTypes(folder: string): Promise<boolean> {
  const number = getdentsNumbers[process.arch];
  // A processor that we know nothing of: what does not work there shows otherwise.
  if (number === undefined) return true;
  // Loaded when it is needed: not every service has snapshots.
  const { default: koffi } = await import("koffi");
  const getdents = koffi.load(null).func("int64_t syscall(int64_t, int64_t, void *, uint64_t)");
  const listing = Buffer.alloc(listingLength);
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const length = Number(getdents(number, fd, listing, listing.length));
    if (length < 0) throw new DataLossError("Cannot list a folder: the disk fails");
    return [...typesIn(listing.subarray(0, length))].every((type) => type !== typeUnknown);
  } finally {
    closeSync(fd);
  }
}

/** Of the entries of a listing, but for the folder itself and the one above. */
function* typesIn(listing: Buffer): Generator<number, void> {
  for (let at = 0; at + nameAt < listing.length; at += listing.readUInt16LE(at + recordLengthAt)) {
    const end = listing.indexOf(0, at + nameAt);
    const name = listing.toString("latin1", at + nameAt, end);
    // Some file systems know these two without being told.
    if (name !== "." && name !== "..") yield listing.readUInt8(at + typeAt);
  }
}
