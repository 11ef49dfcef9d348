import type { Random, SwarmPeer } from "./peer-group.ts";
import { addressOfKey } from "./peer-key.ts";
import type { PeerPool } from "./peer-pool.ts";

/** Part of the drawn that may be of addresses which others of them have: more are seldom chance. */
const sharedPart = 1 / 4;

/** Times as many that are drawn where one address has many peers: each draw is a step of a shuffle. */
const morePart = 8;

/**
 * Draws `count` different peers, those of different addresses before others of the same ones: who has many
 * ports is not to be most of what somebody is told. Where there are no others, as behind NAT, they
 * are told all the same.
 */
export function drawSpread(pool: PeerPool, count: number, random: Random): SwarmPeer[] {
  const drawn = pool.sample(count, random);
  const { firsts } = byAddress(drawn);
  if (pool.size <= drawn.length || firsts.length >= drawn.length * (1 - sharedPart)) return drawn;
  const more = byAddress(pool.sample(count * morePart, random));
  return [...more.firsts, ...more.others].slice(0, count);
}

/** The first of each address, and the others. */
function byAddress(peers: readonly SwarmPeer[]): Record<"firsts" | "others", SwarmPeer[]> {
  const addresses = new Set<string>();
  const [firsts, others]: [SwarmPeer[], SwarmPeer[]] = [[], []];
  for (const peer of peers) {
    const address = addressOfKey(peer.tracked.key);
    if (addresses.has(address)) others.push(peer);
    else firsts.push(peer);
    addresses.add(address);
  }
  return { firsts, others };
}
