import type { NodeEvent } from "./event.ts";

/** How many nodes get an image, and how many are through. */
export interface NodeTotals {
  readonly count: number;
  readonly done: number;
  /** Failed or canceled. */
  readonly failed: number;
}

/** Counts the nodes of a preheat. */
export class NodeProgress {
  #count = 0;
  #done = 0;
  #failed = 0;

  get totals(): NodeTotals {
    return { count: this.#count, done: this.#done, failed: this.#failed };
  }

  expect(count: number): void {
    this.#count += count;
  }

  /** Notes an event; true when it is the node's last. */
  add({ state }: NodeEvent): boolean {
    if (state === "done") this.#done++;
    else if (state === "failed" || state === "canceled") this.#failed++;
    else return false;
    return true;
  }
}
