import { type FrameWriter, reserveBytesMax, writeFrameHeader } from "./frame-writer.ts";
import { frameFlags, frameHeaderLength, frameLengthMax, frameTypes } from "./protocol.ts";

/** A whole response, small enough to be sent at once. */
export interface Response {
  readonly headers: Buffer;
  readonly bodyLength: number;
  /** Writes the body to `target` from `at` on. */
  readonly fill: (target: Buffer, at: number) => void;
  readonly trailers: Buffer;
}

/** Data that {@link writeData} writes at most: it and its frame headers have room in the writer. */
export const dataBytesMax = reserveBytesMax / 2 + frameLengthMax;

/**
 * Writes headers, body and trailers with one stroke; the stream is ended by it. Writes
 * nothing when there is no room for all of it, or when `fill` throws.
 *
 * @returns whether it was written.
 */
export function writeResponse(writer: FrameWriter, streamId: number, response: Response): boolean {
  const { headers, bodyLength, fill, trailers } = response;
  const frameCount = Math.ceil(bodyLength / frameLengthMax);
  const length =
    (2 + frameCount) * frameHeaderLength + headers.length + bodyLength + trailers.length;
  if (length > reserveBytesMax) return false;

  const start = reserveFilled(writer, length, (at) => {
    const bodyAt = at + frameHeaderLength + headers.length + frameCount * frameHeaderLength;
    fill(writer.buffer, bodyAt);
  });
  const bodyStart = start + frameHeaderLength + headers.length;
  writeHeaderFrame(writer, start, { streamId, block: headers, flags: frameFlags.endHeaders });
  writeDataFrames(writer, bodyStart, { streamId, bodyLength });
  const end = frameFlags.endHeaders | frameFlags.endStream;
  const trailersAt = bodyStart + frameCount * frameHeaderLength + bodyLength;
  writeHeaderFrame(writer, trailersAt, { streamId, block: trailers, flags: end });
  return true;
}

/** Writes data of at most {@link dataBytesMax}; nothing when `fill` throws. */
export function writeData(
  writer: FrameWriter,
  streamId: number,
  { bodyLength, fill }: Pick<Response, "bodyLength" | "fill">,
): void {
  const headersLength = Math.ceil(bodyLength / frameLengthMax) * frameHeaderLength;
  const start = reserveFilled(writer, headersLength + bodyLength, (at) => {
    fill(writer.buffer, at + headersLength);
  });
  writeDataFrames(writer, start, { streamId, bodyLength });
}

/** Gives where there is room, once it was filled. */
function reserveFilled(writer: FrameWriter, length: number, fill: (at: number) => void): number {
  const start = writer.reserve(length);
  try {
    fill(start);
  } catch (error) {
    writer.release(length);
    throw error;
  }
  return start;
}

function writeHeaderFrame(
  { buffer }: FrameWriter,
  at: number,
  frame: { readonly streamId: number; readonly block: Buffer; readonly flags: number },
): void {
  const { streamId, block, flags } = frame;
  writeFrameHeader(buffer, at, { type: frameTypes.headers, flags, streamId, length: block.length });
  buffer.set(block, at + frameHeaderLength);
}

/** Cuts a body into frames from `start` on; it lies behind room for all their headers. */
function writeDataFrames(
  { buffer }: FrameWriter,
  start: number,
  { streamId, bodyLength }: { readonly streamId: number; readonly bodyLength: number },
): void {
  const frameCount = Math.ceil(bodyLength / frameLengthMax);
  const bodyAt = start + frameCount * frameHeaderLength;
  for (let nth = 0; nth < frameCount; nth++) {
    const from = bodyAt + nth * frameLengthMax;
    const to = start + nth * (frameHeaderLength + frameLengthMax);
    const length = Math.min(frameLengthMax, bodyAt + bodyLength - from);
    // The last part lies where it belongs; those before it move up to make room for headers.
    buffer.copyWithin(to + frameHeaderLength, from, from + length);
    writeFrameHeader(buffer, to, { type: frameTypes.data, flags: 0, streamId, length });
  }
}
