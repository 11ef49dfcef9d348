import type { Compression } from "./compression.ts";
import type { Decompressor } from "./decompressor.ts";
import { PlainDecompressor } from "./plain-decompressor.ts";
import { ZlibDecompressor } from "./zlib-decompressor.ts";

/** Makes what turns a stream of that compression back. */
export function createDecompressor(compression: Compression): Decompressor {
  return compression === "none" ? new PlainDecompressor() : new ZlibDecompressor(compression);
}
