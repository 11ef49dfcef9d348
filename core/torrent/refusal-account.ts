import type { PlaceRefusals } from "../ports/swarm.ts";

/** Refusals since the start, over all engines that we had: each counts from 0. */
export class RefusalAccount {
  #before: PlaceRefusals = none;
  #now: PlaceRefusals = none;

  get total(): PlaceRefusals {
    return { given: this.#before.given + this.#now.given, met: this.#before.met + this.#now.met };
  }

  /** The engine has counted so many. */
  note(refusals: PlaceRefusals): void {
    this.#now = refusals;
  }

  /** The engine has died. */
  engineLost(): void {
    this.#before = this.total;
    this.#now = none;
  }
}

const none: PlaceRefusals = { given: 0, met: 0 };
