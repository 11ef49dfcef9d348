import { compactPeerLength, encodeCompactPeer } from "../core/compact-peers.ts";
import { type IpFamily, formatIp } from "../core/ip-address.ts";
import type { PeerAddress } from "../core/peer-address.ts";

/** Bytes of the network in an IPv6 address. */
const networkLength = 8;

/**
 * A peer's compact form with a character for each byte: a short key of a map, and
 * joined keys are an answer's `peers`. `undefined` when the host is no IP address.
 */
export function peerKeyOf(peer: PeerAddress): string | undefined {
  return encodeCompactPeer(peer)?.toString("latin1");
}

/** The family of the peer that a key stands for. */
export function familyOfKey(key: string): IpFamily {
  return key.length === compactPeerLength(4) ? 4 : 6;
}

/** The key without its two bytes of port: what all peers of a host have in common. */
export function addressOfKey(key: string): string {
  return key.slice(0, -2);
}

/** The network of 64 bits of an IPv6 address; `undefined` for IPv4, which stands for itself. */
export function networkOfKey(key: string): string | undefined {
  return familyOfKey(key) === 6 ? key.slice(0, networkLength) : undefined;
}

/** The peer that a key stands for. */
export function peerOfKey(key: string): PeerAddress {
  const bytes = Buffer.from(key, "latin1");
  const portStart = bytes.length - 2;
  return { host: formatIp(bytes.subarray(0, portStart)), port: bytes.readUInt16BE(portStart) };
}
