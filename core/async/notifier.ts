/** Wakes everyone who waits for "something changed"; they look again by themselves. */
export class Notifier {
  readonly #waiting = new Set<() => void>();

  /** Wakes all who wait now. */
  notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Waits for the next {@link notify}. Look at the state between calling this and awaiting
   * it. Nothing is kept of a wait whose signal was aborted.
   */
  async changed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        leave();
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", onAbort);
      this.#waiting.add(wake);
    });
  }
}
