import type { PiecePicker } from "./piece-picker.ts";

/** Intents of one node that are believed: it fetches from no more seeders at once. */
const intentsMax = 16;

/** What other nodes said to be fetching from sources that have the whole blob. */
export class NodeIntents {
  readonly #picker: Pick<PiecePicker, "addIntent" | "removeIntent">;
  readonly #intents = new Map<object, Set<number>>();

  constructor(picker: Pick<PiecePicker, "addIntent" | "removeIntent">) {
    this.#picker = picker;
  }

  /** Notes what a node said; `isComing` is false once it has the piece or gave up on it. */
  note(node: object, index: number, isComing: boolean): void {
    const intents = this.#intents.get(node) ?? new Set();
    if (isComing === intents.has(index)) return;
    if (isComing && intents.size >= intentsMax) return;
    if (isComing) {
      this.#intents.set(node, intents.add(index));
      this.#picker.addIntent(index);
    } else {
      intents.delete(index);
      this.#picker.removeIntent(index);
    }
  }

  /** A node has left. */
  forget(node: object): void {
    for (const index of this.#intents.get(node) ?? []) this.#picker.removeIntent(index);
    this.#intents.delete(node);
  }
}
