import type { FrameHeader } from "./frame-reader.ts";
import { ConnectionError, resetCodes } from "./protocol.ts";

/** @throws {ConnectionError} unless the frame is one of the connection, of a good length. */
export function checkConnectionFrame(header: FrameHeader, hasGoodLength: boolean): void {
  if (header.streamId !== 0) throw protocolError("a frame of the connection on a stream");
  if (!hasGoodLength) throw badLength();
}

/** @throws {ConnectionError} unless the payload has that length. */
export function checkLength(payload: Buffer, length: number): void {
  if (payload.length !== length) throw badLength();
}

/** The peer let a window grow beyond what there may be. */
export function windowTooLarge(): ConnectionError {
  return new ConnectionError(resetCodes.flowControlError, "Cannot grow window: too large");
}

/** The peer sent what it may not send now. */
export function protocolError(what: string): ConnectionError {
  return new ConnectionError(resetCodes.protocolError, `Cannot take frame: ${what}`);
}

function badLength(): ConnectionError {
  return new ConnectionError(resetCodes.frameSizeError, "Cannot read frame: bad length");
}
