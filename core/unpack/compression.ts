/** How a stream of bytes is compressed. */
export type Compression = "gzip" | "zstd" | "none";

/** So many bytes of a stream, or all of a shorter one, tell its compression. */
export const magicLength = 8;

const gzipMagic = [0x1f, 0x8b, 0x08];
const zstdMagic = [0x28, 0xb5, 0x2f, 0xfd];

/** First and mask of the magic numbers of zstd's skippable frames, little-endian (RFC 8878). */
const skippableFrame = { magic: 0x184d2a50, mask: 0xfffffff0 };

/**
 * Tells by its first bytes how a stream is compressed; what is unknown is not compressed.
 * Media types are not asked: there are layers whose media type is wrong, and containerd
 * unpacks them.
 *
 * @see containerd v1.7, archive/compression, DetectCompression
 */
export function detectCompression(head: Uint8Array): Compression {
  if (startsWith(head, gzipMagic)) return "gzip";
  if (startsWith(head, zstdMagic) || startsWithSkippableFrame(head)) return "zstd";
  return "none";
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => head[index] === byte);
}

function startsWithSkippableFrame(head: Uint8Array): boolean {
  if (head.byteLength < magicLength) return false;
  const magic = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  return (magic & skippableFrame.mask) >>> 0 === skippableFrame.magic;
}
