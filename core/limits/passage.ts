import type { Cancellable } from "../ports/cancellable.ts";
import type { Ticket, Turnstile } from "./turnstile.ts";

/** Which bytes a {@link Passage} is for. */
export interface PassageOptions {
  /** Each of these limits holds for the bytes. They wait for one after the other. */
  readonly turnstiles: readonly Turnstile[];
  /** And this one, while nobody waits for the blob. */
  readonly preheat: Turnstile;
  /** Names the blob: blobs get the same of a limit that is too low for all. */
  readonly flow: string;
  /** Whether nobody waits for the blob now, so that others go first; left out: somebody does. */
  readonly isAhead?: (() => boolean) | undefined;
}

/** The way of the bytes of one connection through all limits that hold for them. */
export class Passage {
  readonly #options: PassageOptions;
  readonly #aheadTurnstiles: readonly Turnstile[];
  /** The bytes that wait, and for which of the turnstiles. */
  #waiting: (Wait & { readonly ticket: Ticket }) | undefined;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#aheadTurnstiles = [options.preheat, ...options.turnstiles];
  }

  /** None of its limits is one now: nothing need {@link pass}. */
  get isOpen(): boolean {
    for (const { isOpen } of this.#turnstiles(this.#isAhead)) if (!isOpen) return false;
    return true;
  }

  /** Bytes to read at once at most, so that many connections together do not read much too soon. */
  get readLength(): number {
    return Math.min(...this.#turnstiles(this.#isAhead).map(({ readLength }) => readLength));
  }

  /** Bytes wait for their turn. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /**
   * Has bytes go through: true when they may at once, as where nothing is limited; else
   * `onPassed` is called when they may. Those before must have gone through.
   */
  pass(bytes: number, onPassed: () => void): boolean {
    return this.#pass(bytes, { from: 0, isAhead: this.#isAhead, onPassed });
  }

  /** As {@link pass}. @throws the signal's reason */
  async passed(bytes: number, { signal }: Cancellable): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.cancel();
        reject(signal.reason as Error);
      };
      const onPassed = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      if (this.pass(bytes, onPassed)) resolve();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The bytes that wait are not wanted any more. */
  cancel(): void {
    if (!this.#waiting) return;
    const { turnstiles, index, ticket } = this.#waiting;
    this.#waiting = undefined;
    turnstiles[index]?.leave(ticket);
  }

  /** Nobody waits for the bytes any more, but they are here: those who come later wait for them. */
  settle(): void {
    const waiting = this.#waiting;
    this.cancel();
    if (!waiting) return;
    const { turnstiles, index, ticket, bytes } = waiting;
    turnstiles[index]?.charge(ticket.bytes);
    for (const turnstile of turnstiles.slice(index + 1)) turnstile.charge(bytes);
  }

  get #isAhead(): boolean {
    return this.#options.isAhead?.() ?? false;
  }

  #turnstiles(isAhead: boolean): readonly Turnstile[] {
    return isAhead ? this.#aheadTurnstiles : this.#options.turnstiles;
  }

  #pass(
    bytes: number,
    options: { readonly from: number; readonly isAhead: boolean; readonly onPassed: () => void },
  ): boolean {
    const { from, isAhead, onPassed } = options;
    const turnstiles = this.#turnstiles(isAhead);
    for (let index = from; index < turnstiles.length; index++) {
      const turnstile = turnstiles[index];
      if (!turnstile || turnstile.isOpen) continue;
      const ticket: Ticket = {
        ...{ flow: this.#options.flow, isAhead, bytes },
        onPassed: () => {
          // Else it is within `enter`, which tells by what is left.
          if (this.#waiting?.ticket !== ticket) return;
          this.#waiting = undefined;
          if (this.#pass(bytes, { ...options, from: index + 1 })) onPassed();
        },
      };
      turnstile.enter(ticket);
      if (ticket.bytes === 0) continue;
      this.#waiting = { turnstiles, index, ticket, bytes };
      return false;
    }
    return true;
  }
}

/** Bytes that wait for one of several turnstiles. */
interface Wait {
  readonly turnstiles: readonly Turnstile[];
  readonly index: number;
  readonly bytes: number;
}
