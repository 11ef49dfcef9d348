import { createHash } from "node:crypto";

/**
 * The order in which seeders are asked for a key, which is a digest or the name of an image, by
 * highest random weight: everybody who knows the same seeders has the same order, each is the
 * first for its share of the keys, and one that comes or goes changes only what it is first for.
 *
 * @param names What each is known by, the same everywhere; doubles count once.
 * @see Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998)
 */
export function rendezvousOrder(key: string, names: Iterable<string>): string[] {
  return [...new Set(names)]
    .map((name) => ({ name, weight: weightOf(key, name) }))
    .sort((one, other) => Buffer.compare(other.weight, one.weight))
    .map(({ name }) => name);
}

function weightOf(key: string, name: string): Buffer {
  return createHash("sha256").update(`${key}\n${name}`).digest();
}
