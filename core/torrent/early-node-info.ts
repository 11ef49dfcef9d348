import { InvalidArgumentError } from "../errors.ts";
import { type NodeInfo, parseExtendedHandshake } from "./extended-handshake.ts";
import { handshakeLength } from "./handshake.ts";

/** Length of what comes before the payload: length of the message, its kind, its number. */
const headLength = 6;

/** Kind of extended messages. @see BEP 10 */
const extendedType = 20;

/**
 * What a node says of itself in the bytes that came with its handshake: nodes send both at once.
 * `undefined` when it has not come yet, or is none: who reads the connection finds out.
 */
export function earlyNodeInfo(received: Buffer): NodeInfo | undefined {
  const message = received.subarray(handshakeLength);
  if (message.length < headLength) return undefined;
  const end = 4 + message.readUInt32BE(0);
  if (message.length < end || message[4] !== extendedType || message[5] !== 0) return undefined;
  try {
    return parseExtendedHandshake(message.subarray(headLength, end));
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}
