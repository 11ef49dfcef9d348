import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import type { ByteString } from "./byte-string.ts";

/** What tar-stream's reader of headers says of a block. A number that is none is NaN or null. */
export interface TarStreamHeader {
  readonly name: ByteString;
  readonly linkname: ByteString | null;
  readonly mode: number | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly size: number | null;
  readonly mtime: Date;
  readonly devmajor: number | null;
  readonly devminor: number | null;
}

interface HeadersModule {
  /** @throws {Error} when the checksum is wrong. */
  decode(
    block: Uint8Array,
    encoding: BufferEncoding,
    allowUnknownFormat: boolean,
  ): TarStreamHeader | null;
}

const require = createRequire(import.meta.url);

/**
 * tar-stream's reader of header blocks, which its package keeps to itself.
 *
 * The streams around it are left out: they need a turn of the event loop for each entry, and
 * lose bytes of attributes, nanoseconds and the maps of sparse files (ADR 17).
 */
const headers: HeadersModule = loadHeaders();

/**
 * Reads a header block of any format.
 *
 * @returns `null` for a block of zeros.
 * @throws {Error} when the checksum is wrong.
 */
export function decodeBlock(block: Uint8Array): TarStreamHeader | null {
  return headers.decode(block, "latin1", true);
}

function loadHeaders(): HeadersModule {
  const path = join(dirname(require.resolve("tar-stream")), "headers.js");
  // eslint-disable-next-line @typescript-eslint/no-unsafe-return -- the file has no types
  return require(path);
}
