import type { PeerGroup, Random, SwarmPeer } from "./peer-group.ts";

/** Some groups, of which peers are drawn as if they were one. */
export class PeerPool {
  readonly #groups: readonly PeerGroup[];
  readonly size: number;

  constructor(groups: readonly PeerGroup[]) {
    this.#groups = groups.filter((group) => group.size > 0);
    this.size = this.#groups.reduce((size, group) => size + group.size, 0);
  }

  /** Draws `count` different peers, or all when they are fewer. */
  sample(count: number, random: Random): SwarmPeer[] {
    const [only, ...others] = this.#groups;
    if (count <= 0 || !only) return [];
    if (others.length === 0) return only.sample(count, random);
    const left = this.#groups.map((group) => group.size);
    const shares = left.map(() => 0);
    for (let drawn = 0; drawn < Math.min(count, this.size); drawn++) {
      let place = Math.floor(random() * (this.size - drawn));
      const index = left.findIndex((size) => (place -= size) < 0);
      left[index] = (left[index] ?? 1) - 1;
      shares[index] = (shares[index] ?? 0) + 1;
    }
    return this.#groups.flatMap((group, index) => group.sample(shares[index] ?? 0, random));
  }
}
