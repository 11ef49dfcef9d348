import type { IncomingMessage } from "node:http";

import type { Digest } from "../../core/digest.ts";
import { parseIp } from "../../core/ip-address.ts";
import { type PeerAddress, normalizePeerAddress } from "../../core/peer-address.ts";

/** What {@link ownPeer} works with. */
export interface OwnAddressDeps {
  /** Port on which peers reach us. */
  readonly swarmPort: number;
  /** Host that peers are told; `undefined`: the address that the request came to. */
  readonly advertiseHost: string | undefined;
}

/** Where peers reach us, for whom sent the request. */
export function ownPeer(request: IncomingMessage, deps: OwnAddressDeps): PeerAddress {
  return { host: deps.advertiseHost ?? localAddress(request), port: deps.swarmPort };
}

/** Where we serve a blob by HTTP, by the name that the sender of the request knows us by. */
export function ownWebSeeds({ headers: { host } }: IncomingMessage, digest: Digest): string[] {
  return host === undefined ? [] : [`http://${host}/v1/blobs/${digest}`];
}

/**
 * The host that all are told, if there is one: the configured one, or the one address that
 * peers are served at. `undefined` where each is to be told the address that it asked.
 */
export function advertisedHostOf(swarm: {
  readonly advertiseHost?: string | undefined;
  readonly listen: PeerAddress;
}): string | undefined {
  if (swarm.advertiseHost !== undefined) return swarm.advertiseHost;
  const { host } = swarm.listen;
  const isAll = host === "::" || host === "0.0.0.0";
  return isAll || parseIp(host) === undefined ? undefined : host;
}

/** The address that this request came to; IPv4 without its IPv6 clothes. */
function localAddress(request: IncomingMessage): string {
  const host = request.socket.localAddress ?? "127.0.0.1";
  return normalizePeerAddress({ host, port: 0 }).host;
}
