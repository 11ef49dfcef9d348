import type { BytesReceived } from "../ports/swarm.ts";

/**
 * Time over which news of pieces are gathered after some were told, in milliseconds. A
 * message wakes the other thread, which costs more than a piece takes to write.
 */
const gatherMs = 4;

/** Tells of pieces: the first at once, those that follow closely together. */
export class PieceNews {
  readonly #tell: (indexes: readonly number[], received: BytesReceived) => void;
  #indexes: number[] = [];
  #received: BytesReceived | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (indexes: readonly number[], received: BytesReceived) => void) {
    this.#tell = tell;
  }

  /** Notes a piece, and the account of bytes with it. */
  add(index: number, received: BytesReceived): void {
    this.#indexes.push(index);
    this.#received = received;
    if (!this.#timer) this.#tellSome();
  }

  /** Tells what was gathered. Afterwards nothing is left to be told. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#indexes.length > 0 && this.#received) this.#tell(this.#indexes, this.#received);
    this.#indexes = [];
  }

  #tellSome(): void {
    this.flush();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#indexes.length > 0) this.#tellSome();
    }, gatherMs);
  }
}
