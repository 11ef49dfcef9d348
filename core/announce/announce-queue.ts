import type { SwarmMembership } from "./swarm-membership.ts";

/** Memberships that are to be announced now: those who look for peers first, each once. */
export class AnnounceQueue {
  readonly #hungry = new Set<SwarmMembership>();
  readonly #others = new Set<SwarmMembership>();

  add(membership: SwarmMembership): void {
    this.delete(membership);
    (membership.hungry ? this.#hungry : this.#others).add(membership);
  }

  delete(membership: SwarmMembership): void {
    this.#hungry.delete(membership);
    this.#others.delete(membership);
  }

  /** Takes out who looks for peers. Who is being announced already stays. */
  takeHungry(): SwarmMembership | undefined {
    return this.#takeOf(this.#hungry);
  }

  /** Takes out the next, whatever it is. */
  take(): SwarmMembership | undefined {
    return this.takeHungry() ?? this.#takeOf(this.#others);
  }

  /** Takes out some who look for nobody, all of the same port. */
  takeTogether(countMax: number): SwarmMembership[] {
    const taken: SwarmMembership[] = [];
    for (const membership of this.#others) {
      if (taken.length >= countMax) break;
      if (membership.busy || membership.port !== (taken[0] ?? membership).port) continue;
      this.#others.delete(membership);
      taken.push(membership);
    }
    return taken;
  }

  #takeOf(queue: Set<SwarmMembership>): SwarmMembership | undefined {
    for (const membership of queue) {
      if (membership.busy) continue;
      this.delete(membership);
      return membership;
    }
    return undefined;
  }
}
