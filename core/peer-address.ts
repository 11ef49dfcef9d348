import { InvalidArgumentError } from "./errors.ts";
import { formatIp, parseIp } from "./ip-address.ts";

/** Where a peer listens. IPv6 addresses are written without brackets. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, with brackets around an IPv6 address; good as a key of a map. */
export function formatPeerAddress(address: PeerAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/**
 * The same address in the one form that equal addresses have: IPv4 as IPv4 though a socket
 * of both families gave it, IPv6 in its shortest form, names in small letters.
 */
export function normalizePeerAddress(address: PeerAddress): PeerAddress {
  const bytes = parseIp(address.host);
  const host = bytes ? formatIp(bytes) : address.host.toLowerCase();
  return host === address.host ? address : { host, port: address.port };
}

/**
 * Zones of IPv6 addresses are not taken: they mean nothing on another machine.
 *
 * @throws {InvalidArgumentError} when `text` is not `host:port` or `[v6]:port`.
 */
export function parsePeerAddress(text: string): PeerAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(text);
  const bracketed = match?.[1];
  const host = bracketed ?? match?.[2];
  const port = Number(match?.[3]);
  const isIpv6 = bracketed === undefined || (bracketed.includes(":") && parseIp(bracketed));
  if (host === undefined || !isIpv6 || port < 1 || port > 65535) {
    throw new InvalidArgumentError(`Cannot parse address ${JSON.stringify(text.slice(0, 80))}`);
  }
  return { host, port };
}
