import type { PeerAddress } from "../peer-address.ts";
import { HostCounts, networkOf } from "./host-counts.ts";

/**
 * Part of our peers that an IPv6 network of 64 bits may have at the cost of others: it may be one host that claims
 * to be many, or all of a data centre.
 */
const networkPart = 1 / 2;

/** A peer that we ask. */
interface AskedPeer {
  readonly address: PeerAddress;
}

/**
 * Those of our peers that may give way to a node that comes: of its own network only, once that has half of the
 * places. Where all are of one network that is everybody.
 *
 * @param peers All that we have.
 */
export function mayGiveWay<Peer extends AskedPeer>(
  peers: Iterable<Peer>,
  { comer, peersMax }: { readonly comer: PeerAddress; readonly peersMax: number },
): Peer[] {
  const all = [...peers];
  const counts = new HostCounts(all.map(({ address }) => address));
  if (counts.ofNetwork(comer) < peersMax * networkPart) return all;
  const network = networkOf(comer.host);
  return all.filter(({ address }) => networkOf(address.host) === network);
}
