import type { Cancellable } from "../ports/cancellable.ts";
import type { Ticket, Turnstile } from "./turnstile.ts";

/** Which bytes a {@link Passage} is for. */
export interface PassageOptions {
  /** Each of these limits holds for the bytes. They wait for one after the other. */
  readonly turnstiles: readonly Turnstile[];
  /** Names the blob: blobs get the same of a limit that is too low for all. */
  readonly flow: string;
  /** Nobody waits for the blob: others go first. */
  readonly isAhead?: boolean;
}

/** The way of the bytes of one connection through all limits that hold for them. */
export class Passage {
  readonly #options: PassageOptions;
  /** The bytes that wait, and for which of the turnstiles. */
  #waiting: { readonly ticket: Ticket; readonly index: number; readonly bytes: number } | undefined;

  constructor(options: PassageOptions) {
    this.#options = options;
  }

  /** None of its limits is one now: nothing need {@link pass}. */
  get isOpen(): boolean {
    for (const { isOpen } of this.#options.turnstiles) if (!isOpen) return false;
    return true;
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
    return this.#pass(bytes, { from: 0, onPassed });
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
    const { ticket, index } = this.#waiting;
    this.#waiting = undefined;
    this.#options.turnstiles[index]?.leave(ticket);
  }

  /** Nobody waits for the bytes any more, but they are here: those who come later wait for them. */
  settle(): void {
    const waiting = this.#waiting;
    this.cancel();
    if (!waiting) return;
    const { ticket, index, bytes } = waiting;
    this.#options.turnstiles[index]?.charge(ticket.bytes);
    for (const turnstile of this.#options.turnstiles.slice(index + 1)) turnstile.charge(bytes);
  }

  #pass(
    bytes: number,
    { from, onPassed }: { readonly from: number; readonly onPassed: () => void },
  ): boolean {
    const { turnstiles, flow, isAhead = false } = this.#options;
    for (const [index, turnstile] of turnstiles.entries()) {
      if (index < from || turnstile.isOpen) continue;
      const ticket: Ticket = {
        ...{ flow, isAhead, bytes },
        onPassed: () => {
          // Else it is within `enter`, which tells by what is left.
          if (this.#waiting?.ticket !== ticket) return;
          this.#waiting = undefined;
          if (this.#pass(bytes, { from: index + 1, onPassed })) onPassed();
        },
      };
      turnstile.enter(ticket);
      if (ticket.bytes === 0) continue;
      this.#waiting = { ticket, index, bytes };
      return false;
    }
    return true;
  }
}
