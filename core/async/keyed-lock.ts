/** Lets one at a time work on the same key; others wait in line. Keys do not hinder each other. */
export class KeyedLock<K> {
  readonly #tails = new Map<K, Promise<unknown>>();

  /** Runs `work` once everyone who came before with that key is done, well or not. */
  async run<T>(key: K, work: () => T | Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const running = before ? before.then(work, work) : Promise.resolve().then(work);
    this.#tails.set(key, running);
    try {
      return await running;
    } finally {
      if (this.#tails.get(key) === running) this.#tails.delete(key);
    }
  }
}
