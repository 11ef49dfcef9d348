import type { PeerAddress } from "../peer-address.ts";
import { HostCounts } from "./host-counts.ts";
import type { PeerBook } from "./peer-book.ts";

/** Part of our peers that are of one host, at most, while others may be dialled: it may have many ports. */
const hostPart = 1 / 4;

/**
 * Takes up to `count` addresses of a book to dial now. Those of a host that has a quarter of our peers come
 * last: where there are no others, as behind NAT, they are dialled all the same.
 */
export function takeSpread(
  book: PeerBook,
  count: number,
  options: {
    readonly nowMs: number;
    /** Addresses of the peers that we have. */
    readonly connected: () => Iterable<PeerAddress>;
    /** Peers that we may have. */
    readonly peersMax: number;
    readonly mayDial: (address: PeerAddress) => boolean;
  },
): PeerAddress[] {
  const { nowMs, peersMax, mayDial } = options;
  let counts: HostCounts | undefined;
  const left: PeerAddress[] = [];
  const mayDialFirst = (address: PeerAddress) => {
    // Not before it is needed: in a crowd this is called often, and there is seldom any to dial.
    counts ??= new HostCounts(options.connected());
    const isMany = counts.ofHost(address) >= Math.ceil(peersMax * hostPart);
    if (isMany) left.push(address);
    if (isMany || !mayDial(address)) return false;
    counts.add(address);
    return true;
  };
  const first = book.take(count, nowMs, { mayDial: mayDialFirst });
  if (left.length === 0 || first.length >= count) return first;
  return [...first, ...book.take(count - first.length, nowMs, { mayDial })];
}
