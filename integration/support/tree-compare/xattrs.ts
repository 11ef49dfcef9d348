import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const llistxattr = libc.func("int64_t llistxattr(const void *path, void *list, size_t size)");
const lgetxattr = libc.func(
  "int64_t lgetxattr(const void *path, const void *name, void *value, size_t size)",
);

/** Linux has no longer list of names, and no longer value, than this. */
const lengthMax = 65_536;

/** Taken by all calls, for none of them waits. */
const buffer = Buffer.alloc(lengthMax);

const terminator = Buffer.alloc(1);

/**
 * Reads the extended attributes of a file, not following symlinks. Not by the code that
 * unpacks layers: what that gets wrong is to be seen.
 *
 * @param path Bytes, for a name need not be text.
 */
export function readXattrs(path: Buffer): ReadonlyMap<string, Buffer> {
  const pathz = Buffer.concat([path, terminator]);
  const size = Number(llistxattr(pathz, buffer, lengthMax));
  if (size < 0) throw failure("list", path);
  if (size === 0) return new Map();
  const names = buffer
    .toString("latin1", 0, size - 1)
    .split("\0")
    .sort();
  return new Map(names.map((name) => [name, readXattr(pathz, name)]));
}

function readXattr(pathz: Buffer, name: string): Buffer {
  const namez = Buffer.from(`${name}\0`, "latin1");
  const size = Number(lgetxattr(pathz, namez, buffer, lengthMax));
  if (size < 0) throw failure(`read ${name} of`, pathz.subarray(0, -1));
  return Buffer.from(buffer.subarray(0, size));
}

function failure(what: string, path: Buffer): Error {
  return new Error(`Cannot ${what} xattrs of ${path.toString()}: errno ${koffi.errno()}`);
}
