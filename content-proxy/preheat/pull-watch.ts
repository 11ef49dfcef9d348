import type { Digest } from "../../core/digest.ts";
import type { BlobWriter } from "../../core/ports/blob-store.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Arrival } from "../arrival.ts";
import type { Arrivals } from "../arrivals.ts";

/** What {@link PullWatch} looks at. */
export interface PullWatchDeps {
  readonly arrivals: Iterable<Pick<Arrival, "digest" | "bytesDone" | "promised" | "ended">> &
    Pick<Arrivals, "claimCount">;
  readonly store: Pick<BlobWriter, "ingests">;
  readonly clock: Clock;
  /** Whether a preheat claims the blob. */
  readonly isOurs: (digest: Digest) => boolean;
}

/**
 * How long after the last byte of a pull it still counts as under way: containerd asks for
 * the next blob at once, but a promise whose bytes never come must not hold others up.
 */
const quietAfterMs = 5000;

/** Looks whether pulls are under way, for which preheats make room. */
export class PullWatch {
  readonly #deps: PullWatchDeps;
  /** What was under way when somebody looked, and how far it was. */
  #seen = "";
  #movedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: PullWatchDeps) {
    this.#deps = deps;
  }

  /** Whether a pull is under way that began, or of which bytes came, a moment ago. */
  isBusy(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    const seen = [...this.#progress()].join(" ");
    if (seen !== this.#seen) this.#movedMs = nowMs;
    this.#seen = seen;
    return seen !== "" && nowMs - this.#movedMs < quietAfterMs;
  }

  *#progress(): Generator<string> {
    const { arrivals, store, isOurs } = this.#deps;
    for (const { digest, bytesDone, promised, ended } of arrivals) {
      if (ended) continue;
      const isForPreheat = isOurs(digest) && !promised && arrivals.claimCount(digest) <= 1;
      if (!isForPreheat) yield `${digest}=${bytesDone}`;
    }
    for (const { ref, offset } of store.ingests()) yield `${ref}=${offset}`;
  }
}
