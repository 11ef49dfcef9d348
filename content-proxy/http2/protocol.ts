/** Frame types of HTTP/2. @see RFC 9113, section 6 */
export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Flags of a frame; `endStream` and `ack` are one bit, told apart by the frame's type. */
export const frameFlags = {
  ack: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** Settings that we announce or heed. @see RFC 9113, section 6.5.2 */
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

/** Error codes of RST_STREAM and GOAWAY. @see RFC 9113, section 7 */
export const resetCodes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

/** Length of what stands before each frame's payload: length, type, flags, stream. */
export const frameHeaderLength = 9;

/**
 * Longest payload, both ways. It is the length that every peer must take, and grpc-go
 * never asks for another.
 */
export const frameLengthMax = 16384;

/** Flow-control window of a new connection, and of a stream unless settings say otherwise. */
export const windowDefaultBytes = 65535;

/** No flow-control window may become larger. */
export const windowMaxBytes = 2 ** 31 - 1;

/** What a client sends before its first frame. */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** The peer broke the rules for the whole connection, which ends with a GOAWAY of `code`. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** One of {@link resetCodes}. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
