import { InvalidArgumentError } from "../errors.ts";
import { type NodeInfo, parseExtendedHandshake } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";
import { parseMessage } from "./wire-message.ts";

/** Length of what comes before the body of a message: its own length, and its id. */
const headLength = 5;

/**
 * What a node says of itself in the bytes that came with its handshake: nodes send both at once.
 * `undefined` when it has not come yet, or is none: who reads the connection finds out.
 */
export function earlyNodeInfo(received: Buffer): NodeInfo | undefined {
  const bytes = received.subarray(handshakeLength);
  if (bytes.length < headLength) return undefined;
  const end = 4 + bytes.readUInt32BE(0);
  if (end < headLength || bytes.length < end) return undefined;
  try {
    const message = parseMessage(bytes.readUInt8(4), bytes.subarray(headLength, end));
    if (message.type !== "extended" || message.id !== 0) return undefined;
    return parseExtendedHandshake(message.payload);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}
