import { randomBytes } from "node:crypto";

/** Client code and version as BEP 20 has it ("Azureus style"). */
const peerIdPrefix = "-SH0001-";

/** Length in bytes of a peer id on the wire. */
export const peerIdLength = 20;

/** Makes a peer id for one run of a daemon: 20 bytes, the first 8 name the client. */
export function createPeerId(random: (length: number) => Uint8Array = randomBytes): Buffer {
  return Buffer.concat([Buffer.from(peerIdPrefix), random(peerIdLength - peerIdPrefix.length)]);
}

/** Whether a peer says that it is one of ours. A hint for speed, never for trust. */
export function isShoalPeerId(peerId: Uint8Array): boolean {
  return Buffer.from(peerId.subarray(0, 3)).toString("latin1") === peerIdPrefix.slice(0, 3);
}
