import { handshakeTimeoutMs } from "./limits.ts";

/**
 * A connection on which nothing of use moves for so long is closed; a peer that needs it dials
 * again. Also the time in which a block has to be taken: on any link that is worth asking over
 * it takes seconds.
 */
const idleMs = 60_000;

/** Why a connection is to be closed. */
export interface AskerLapse {
  readonly reason: string;
  /** No node does that, however bad its link. */
  readonly isOffence: boolean;
}

/**
 * Watches whether a peer that asks us is worth its connection. Only what it asks for and
 * takes counts, and what it is told: keep-alives keep nothing alive. Time is given.
 */
export class AskerWatch {
  readonly #startMs: number;
  #isGreeted = false;
  #usedAtMs: number;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
    this.#usedAtMs = nowMs;
  }

  /** It has said who it is. */
  greeted(): void {
    this.#isGreeted = true;
  }

  /** It took a block or, while none was on its way, asked for one or was told something. */
  used(nowMs: number): void {
    this.#usedAtMs = nowMs;
  }

  /**
   * Looks for lapsed bounds.
   *
   * @param isOurTurn Requests wait for us, and no block is on its way.
   */
  lapse(nowMs: number, { isOurTurn }: { readonly isOurTurn: boolean }): AskerLapse | undefined {
    if (!this.#isGreeted) {
      if (nowMs - this.#startMs < handshakeTimeoutMs) return undefined;
      return { reason: "no extended handshake in time", isOffence: true };
    }
    if (isOurTurn || nowMs - this.#usedAtMs < idleMs) return undefined;
    return { reason: "idle", isOffence: false };
  }
}
