/** Who holds a place with a blob: one of the nodes that are served with it at once. */
interface PlaceHolder {
  /** Milliseconds for which it has had no use for it. */
  idleMs(nowMs: number): number;
}

/** A node that has use for another asks it again within that: else its pieces come from others. */
const placeIdleMs = 10_000;

/**
 * Places that a host has more than another, at least, for one of them to be that one's: as many as
 * make them more alike. With one of each host, as in a crowd of nodes, nobody loses any.
 */
const advantageMin = 2;

/**
 * Whose place is that of who comes when all are taken: of those that have no use for theirs, who has had none for
 * the longest time; else one of the host that holds most, so that one host, which may ask for a byte
 * now and then on each of its connections, cannot hold all. Nobody's, if that host is the comer's,
 * or has hardly more. Of those who are alike who came last, for it has got the least.
 *
 * @param holders With the hosts that they are on, each in the one form that it has.
 */
export function placeToLeave<Holder extends PlaceHolder>(
  holders: Iterable<readonly [Holder, string]>,
  { host, nowMs }: { readonly host: string; readonly nowMs: number },
): Holder | undefined {
  const ofHosts = new Map<string, Holder[]>();
  for (const [holder, at] of holders) {
    const ofHost = ofHosts.get(at);
    if (ofHost) ofHost.push(holder);
    else ofHosts.set(at, [holder]);
  }
  const idlest = idlestOf([...ofHosts.values()].flat(), nowMs);
  if (idlest && idlest.idleMs(nowMs) >= placeIdleMs) return idlest;
  let most: readonly Holder[] = [];
  for (const ofHost of ofHosts.values()) if (ofHost.length > most.length) most = ofHost;
  const own = ofHosts.get(host)?.length ?? 0;
  return most.length >= own + advantageMin ? idlestOf(most, nowMs) : undefined;
}

function idlestOf<Holder extends PlaceHolder>(
  holders: readonly Holder[],
  nowMs: number,
): Holder | undefined {
  let idlest: Holder | undefined;
  for (const holder of holders) {
    if (!idlest || holder.idleMs(nowMs) >= idlest.idleMs(nowMs)) idlest = holder;
  }
  return idlest;
}
