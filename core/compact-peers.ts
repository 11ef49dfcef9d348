import { InvalidArgumentError } from "./errors.ts";
import { type IpFamily, formatIp, ipLengths, parseIp } from "./ip-address.ts";
import type { PeerAddress } from "./peer-address.ts";

/** Length in bytes of one peer: its address and two bytes of port. */
export function compactPeerLength(family: IpFamily): number {
  return ipLengths[family] + 2;
}

/**
 * A peer in the form in which trackers and peers tell of others: the bytes of its
 * address, then its port. `undefined` when its host is a name.
 *
 * @see BEP 7, BEP 11, BEP 15, BEP 23
 */
export function encodeCompactPeer(peer: PeerAddress): Buffer | undefined {
  const ip = parseIp(peer.host);
  if (!ip) return undefined;
  return Buffer.concat([ip, Buffer.from([peer.port >> 8, peer.port & 0xff])]);
}

/**
 * Reads a run of peers of one family. Peers without a port are left out; which
 * addresses make sense is not judged here.
 *
 * @param countMax Peers after so many are not read.
 * @throws {InvalidArgumentError} when the bytes are not a whole number of peers.
 * @see BEP 7, BEP 11, BEP 15, BEP 23
 */
export function decodeCompactPeers(
  bytes: Uint8Array,
  { family, countMax }: { readonly family: IpFamily; readonly countMax: number },
): PeerAddress[] {
  const length = compactPeerLength(family);
  if (bytes.byteLength % length !== 0) {
    throw new InvalidArgumentError(`Cannot decode ${bytes.byteLength} bytes as peers`);
  }
  const peers: PeerAddress[] = [];
  const end = Math.min(bytes.byteLength, length * countMax);
  for (let start = 0; start < end; start += length) {
    const peer = bytes.subarray(start, start + length);
    const port = ((peer[length - 2] ?? 0) << 8) | (peer[length - 1] ?? 0);
    if (port !== 0) peers.push({ host: formatIp(peer.subarray(0, length - 2)), port });
  }
  return peers;
}
