import type { ByteRange } from "../byte-range.ts";

/** A body of several ranges: what stands before each, and after the last. */
export interface MultipartRanges {
  readonly contentType: string;
  /** Of the whole body, ranges and all between them. */
  readonly contentLength: number;
  readonly parts: readonly { readonly head: string; readonly range: ByteRange }[];
  readonly tail: string;
}

/**
 * Lays out a body of the type `multipart/byteranges`.
 *
 * @param boundary Text that no blob holds but by chance: clients count bytes by the heads.
 * @see RFC 9110 §14.6
 */
export function multipartRanges(
  ranges: readonly ByteRange[],
  body: { readonly size: number; readonly contentType: string; readonly boundary: string },
): MultipartRanges {
  const { size, contentType, boundary } = body;
  const parts = ranges.map((range) => {
    const lines = [
      `--${boundary}`,
      `Content-Type: ${contentType}`,
      `Content-Range: bytes ${range.start}-${range.end - 1}/${size}`,
    ];
    return { head: `\r\n${lines.join("\r\n")}\r\n\r\n`, range };
  });
  const tail = `\r\n--${boundary}--\r\n`;
  const lengths = parts.map(({ head, range }) => head.length + range.end - range.start);
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: lengths.reduce((sum, length) => sum + length, tail.length),
    parts,
    tail,
  };
}
