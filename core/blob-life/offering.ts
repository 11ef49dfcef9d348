import { setImmediate } from "node:timers/promises";

import type { Digest } from "../digest.ts";
import { codeOf } from "../errors.ts";
import type { BlobReader, BlobRecord } from "../ports/blob-store.ts";
import type { Directory } from "../ports/directory.ts";
import type { Logger } from "../ports/logger.ts";
import type { Swarm } from "../ports/swarm.ts";

/**
 * Blobs that are offered before others have their turn: each is read from disk and told to
 * another thread, a tenth of a millisecond of work.
 */
const batchCount = 20;

/** What {@link Offering} works with. */
export interface OfferingDeps {
  readonly store: Pick<BlobReader, "metainfo" | "pathOf" | "records">;
  readonly swarm: Pick<Swarm, "seed">;
  readonly directory: Pick<Directory, "publish">;
  readonly logger: Logger;
  /** False: nothing is given to peers. */
  readonly enabled: boolean;
}

/**
 * What this node gives to the swarm: whole blobs that came by a pull, and nothing
 * else. What was built, imported or loaded here is nobody else's business.
 */
export class Offering implements AsyncDisposable {
  readonly #deps: OfferingDeps;
  readonly #offered = new Map<Digest, AsyncDisposable>();
  #adding: Promise<void> | undefined;
  #isClosed = false;
  /** Farewells that are under way: trackers are told. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(deps: OfferingDeps) {
    this.#deps = deps;
  }

  /** Offers what was here before this start, while others have their turns. Never rejects. */
  addAll(): void {
    this.#adding ??= this.#addAll();
  }

  /** Offers a blob and tells the directory of it, if it is one to offer. Idempotent. */
  add(record: BlobRecord): void {
    const { store, swarm, enabled } = this.#deps;
    const { digest, infoHash, size } = record;
    if (!enabled || this.#isClosed || this.#offered.has(digest)) return;
    if (!record.whole || record.provenance !== "pull" || infoHash === undefined) return;
    const metainfo = () => store.metainfo(digest);
    const path = store.pathOf(digest);
    this.#offered.set(digest, swarm.seed({ digest, infoHash, size, path, metainfo }));
    void this.#publish(digest);
  }

  /** Stops giving a blob; nobody needs to wait for the farewell. Idempotent. */
  withdraw(digest: Digest): void {
    const offered = this.#offered.get(digest);
    if (!offered) return;
    this.#offered.delete(digest);
    const leaving = this.#leave(digest, offered);
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }

  /** Withdraws everything, and waits for the farewells. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#adding;
    for (const digest of [...this.#offered.keys()]) this.withdraw(digest);
    await Promise.all(this.#leaving);
  }

  async #addAll(): Promise<void> {
    let count = 0;
    for (const record of this.#deps.store.records()) {
      if (this.#isClosed) return;
      try {
        this.add(record);
      } catch (error) {
        const { digest } = record;
        this.#deps.logger.warn("cannot offer a blob", { digest, code: codeOf(error) });
      }
      if (++count % batchCount === 0) await setImmediate();
    }
  }

  /** Never rejects. */
  async #leave(digest: Digest, offered: AsyncDisposable): Promise<void> {
    try {
      await offered[Symbol.asyncDispose]();
    } catch (error) {
      this.#deps.logger.warn("cannot withdraw a blob", { digest, code: codeOf(error) });
    }
  }

  async #publish(digest: Digest): Promise<void> {
    try {
      this.#deps.directory.publish(await this.#deps.store.metainfo(digest));
    } catch (error) {
      this.#deps.logger.warn("cannot publish a blob", { digest, code: codeOf(error) });
    }
  }
}
