/**
 * Connections that are given the same piece at once. What many ask for at once, each for itself, is
 * a piece that few have: whole copies of it, soon, are given on, where parts of it with everybody are
 * of no use to anybody. Two, for one may be slow.
 */
const takersMax = 2;

/**
 * Longest that somebody waits for its turn with a piece, in milliseconds: then it is served beside
 * the others, whoever they are. Less than the bound after which it would seem stalled to it.
 */
const waitMaxMs = 1000;

/** Those who want one piece of a blob, in the order in which they came. */
interface Line {
  readonly taking: Set<PieceTurn>;
  readonly waiting: Set<PieceTurn>;
}

/** Whose turn it is with each piece of a blob that is given to others. */
export class PieceTurns {
  readonly #lines = new Map<number, Line>();

  /** Gives a connection its place. @param options `onTurn`: called when it was not its turn and is now. */
  open(options: { readonly onTurn: () => void }): PieceTurn {
    return new PieceTurn(this.#lines, options);
  }
}

/** The turns of one connection, which is given one piece after the other. */
export class PieceTurn {
  readonly #lines: Map<number, Line>;
  readonly #onTurn: () => void;
  #index: number | undefined;
  #isTaking = false;
  #isLate: NodeJS.Timeout | undefined;

  constructor(lines: Map<number, Line>, { onTurn }: { readonly onTurn: () => void }) {
    this.#lines = lines;
    this.#onTurn = onTurn;
  }

  /** Whether it may be given a part of a piece now; that ends its turn with another one. */
  mayTake(index: number): boolean {
    if (index !== this.#index) {
      this.end();
      this.#join(index);
    }
    return this.#isTaking;
  }

  /** It was given all of a piece, or wants no more of it. @param index Of any piece, if left out. */
  end(index = this.#index): void {
    if (index === undefined || index !== this.#index) return;
    this.#index = undefined;
    this.#isTaking = false;
    clearTimeout(this.#isLate);
    const line = this.#lines.get(index);
    if (!line) return;
    line.waiting.delete(this);
    line.taking.delete(this);
    const [next] = line.waiting;
    if (next && line.taking.size < takersMax) next.#take(line);
    if (line.taking.size === 0) this.#lines.delete(index);
  }

  #join(index: number): void {
    const line = this.#lines.get(index) ?? { taking: new Set(), waiting: new Set() };
    this.#lines.set(index, line);
    this.#index = index;
    if (line.taking.size < takersMax) {
      line.taking.add(this);
      this.#isTaking = true;
      return;
    }
    line.waiting.add(this);
    this.#isLate = setTimeout(() => {
      // Who has had its turn for as long does not keep others from theirs any more.
      const [oldest] = line.taking;
      if (oldest) line.taking.delete(oldest);
      this.#take(line);
    }, waitMaxMs);
  }

  #take(line: Line): void {
    clearTimeout(this.#isLate);
    line.waiting.delete(this);
    line.taking.add(this);
    this.#isTaking = true;
    this.#onTurn();
  }
}
