import { protocolError, windowTooLarge } from "./frame-errors.ts";
import { settingIds, windowMaxBytes } from "./protocol.ts";

/**
 * Reads the payload of a SETTINGS frame, whose length is a multiple of 6. All that we go by
 * is the window of each stream, which may be set several times.
 *
 * @throws {ConnectionError} when a value is not one that may be set.
 * @see RFC 9113, 6.5.2
 */
export function* streamWindowsIn(payload: Buffer): Generator<number, void> {
  for (let at = 0; at < payload.length; at += 6) {
    const id = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (id === settingIds.enablePush && value > 1) throw protocolError("bad ENABLE_PUSH");
    if (id === settingIds.maxFrameSize && (value < 2 ** 14 || value >= 2 ** 24)) {
      throw protocolError("bad MAX_FRAME_SIZE");
    }
    if (id !== settingIds.initialWindowSize) continue;
    if (value > windowMaxBytes) throw windowTooLarge();
    yield value;
  }
}
