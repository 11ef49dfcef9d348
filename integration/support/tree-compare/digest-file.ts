import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readSync } from "node:fs";

const { O_RDONLY, O_NOATIME, O_NOFOLLOW } = constants;

/** Bytes read at once: most files of a layer are smaller. */
const buffer = Buffer.alloc(256 * 1024);

/** SHA-256 of what a file has, in hex. Leaves its access time as it is. */
export function digestFile(path: Buffer): string {
  const hash = createHash("sha256");
  const fd = openSync(path, O_RDONLY | O_NOATIME | O_NOFOLLOW);
  try {
    for (let length = -1; length !== 0;) {
      length = readSync(fd, buffer);
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}
