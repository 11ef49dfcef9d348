import { InvalidArgumentError } from "../errors.ts";
import { type InfoHash, infoHashFromBytes } from "../info-hash.ts";

const protocol = Buffer.from("\x13BitTorrent protocol", "latin1");

/** Length in bytes of a handshake: protocol, 8 reserved, info hash, peer id. */
export const handshakeLength = 68;

/** Bit of the sixth reserved byte that says "extended messages are spoken". @see BEP 10 */
const extendedBit = 0x10;

/** What peers tell each other first. */
export interface Handshake {
  readonly infoHash: InfoHash;
  readonly peerId: Uint8Array;
  /** Speaks extended messages (BEP 10). */
  readonly extended: boolean;
}

/** Renders our handshake. @see BEP 3 */
export function encodeHandshake(handshake: Omit<Handshake, "extended">): Buffer {
  const reserved = Buffer.from([0, 0, 0, 0, 0, extendedBit, 0, 0]);
  const infoHash = Buffer.from(handshake.infoHash, "hex");
  return Buffer.concat([protocol, reserved, infoHash, handshake.peerId]);
}

/** @throws {InvalidArgumentError} when the bytes are not a whole handshake in plaintext. */
export function parseHandshake(bytes: Buffer): Handshake {
  if (bytes.length !== handshakeLength || !startsLikeHandshake(bytes)) {
    throw new InvalidArgumentError("Cannot read handshake: not BitTorrent");
  }
  return {
    infoHash: infoHashFromBytes(bytes.subarray(28, 48)),
    peerId: Buffer.from(bytes.subarray(48)),
    extended: (bytes.readUInt8(25) & extendedBit) !== 0,
  };
}

/** Whether the first bytes of a connection may become a handshake in plaintext. */
export function startsLikeHandshake(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, protocol.length);
  return bytes.subarray(0, length).equals(protocol.subarray(0, length));
}
