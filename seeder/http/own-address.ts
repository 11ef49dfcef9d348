import type { IncomingMessage } from "node:http";

import type { Digest } from "../../core/digest.ts";
import type { PeerAddress } from "../../core/peer-address.ts";

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

/** The address that this request came to; IPv4 without its IPv6 clothes. */
function localAddress(request: IncomingMessage): string {
  return (request.socket.localAddress ?? "127.0.0.1").replace(/^::ffff:/, "");
}
