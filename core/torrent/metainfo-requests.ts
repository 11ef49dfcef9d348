import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";

/** Metainfo that the other thread was asked for, once for all who ask at the same time. */
export class MetainfoRequests {
  readonly #waits = new Map<InfoHash, ((metainfo: Metainfo | undefined) => void)[]>();
  readonly #ask: (infoHash: InfoHash) => void;

  /** @param ask Has {@link answer} called later. */
  constructor(ask: (infoHash: InfoHash) => void) {
    this.#ask = ask;
  }

  /** Resolves with `undefined` when it is not kept. */
  get(infoHash: InfoHash): Promise<Metainfo | undefined> {
    return new Promise((resolve) => {
      const waits = this.#waits.get(infoHash);
      if (waits) {
        waits.push(resolve);
        return;
      }
      this.#waits.set(infoHash, [resolve]);
      this.#ask(infoHash);
    });
  }

  answer(infoHash: InfoHash, metainfo: Metainfo | undefined): void {
    const waits = this.#waits.get(infoHash) ?? [];
    this.#waits.delete(infoHash);
    for (const resolve of waits) resolve(metainfo);
  }

  /** Nobody will answer any more. */
  giveUp(): void {
    for (const infoHash of this.#waits.keys()) this.answer(infoHash, undefined);
  }
}
