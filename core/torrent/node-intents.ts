import type { CopyHolder } from "./piece-copies.ts";
import type { PiecePicker } from "./piece-picker.ts";

/**
 * Intents of one node that are believed; more of it are passed over. Most nodes fetch no more at
 * once from seeders and from afar, and one that lies does not keep all pieces from us.
 */
const intentsMax = 32;

/** One of the others, by its connection. */
type Node = object & CopyHolder;

/** What other nodes said to be fetching from sources that have the whole blob, or from afar. */
export class NodeIntents {
  readonly #picker: Pick<PiecePicker, "addIntent" | "removeIntent">;
  readonly #intents = new Map<Node, Set<number>>();

  constructor(picker: Pick<PiecePicker, "addIntent" | "removeIntent">) {
    this.#picker = picker;
  }

  /** Notes what a node said; `isComing` is false once it has the piece or gave up on it. */
  note(node: Node, index: number, isComing: boolean): void {
    const intents = this.#intents.get(node);
    if (!isComing) {
      if (intents?.delete(index)) this.#picker.removeIntent(index, node);
      return;
    }
    if (intents && (intents.has(index) || intents.size >= intentsMax)) return;
    if (intents) intents.add(index);
    else this.#intents.set(node, new Set([index]));
    this.#picker.addIntent(index, node);
  }

  /** A node has left. */
  forget(node: Node): void {
    for (const index of this.#intents.get(node) ?? []) this.#picker.removeIntent(index, node);
    this.#intents.delete(node);
  }
}
