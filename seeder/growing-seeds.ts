import { pause } from "../core/async/pause.ts";
import { CodedError, codeOf } from "../core/errors.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import type { BlobArrival } from "./blob-arrival.ts";

/** What {@link GrowingSeeds} works with. */
export interface GrowingSeedsDeps {
  readonly store: Pick<BlobReader, "placeOf">;
  readonly swarm: Pick<Swarm, "seedGrowing">;
  readonly logger: Logger;
}

/**
 * Milliseconds for which a blob that is whole is still offered in the swarm of its growing
 * torrent: who was told of that one a moment ago is yet to come.
 */
const lingerMs = 30_000;

/** Gives the pieces of blobs to peers while the blobs are still on their way to us. */
export class GrowingSeeds implements AsyncDisposable {
  readonly #deps: GrowingSeedsDeps;
  readonly #running = new Map<BlobArrival, Promise<void>>();
  readonly #ended = new AbortController();

  constructor(deps: GrowingSeedsDeps) {
    this.#deps = deps;
  }

  /** Gives what is here of the blob, and what comes. Does nothing the second time. */
  add(arrival: BlobArrival): void {
    if (this.#ended.signal.aborted || this.#running.has(arrival)) return;
    const { digest } = arrival.descriptor;
    // A fetch that failed is not forgotten by its swarm at once, when another one begins.
    const before = [...this.#running].filter(([other]) => other.descriptor.digest === digest);
    const running = this.#run(
      arrival,
      before.map(([, ending]) => ending),
    ).finally(() => this.#running.delete(arrival));
    this.#running.set(arrival, running);
  }

  /** Leaves all swarms. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#running.values());
  }

  /** Never rejects. */
  async #run(arrival: BlobArrival, before: readonly Promise<void>[]): Promise<void> {
    const { digest } = arrival.descriptor;
    try {
      await Promise.all(before);
      await this.#give(arrival);
    } catch (error) {
      // A fetch that fails is told of where it fails.
      if (this.#ended.signal.aborted || error instanceof CodedError) return;
      if (codeOf(error) !== "internal") return;
      this.#deps.logger.error("cannot give what is here of a blob", { digest, error });
    }
  }

  async #give(arrival: BlobArrival): Promise<void> {
    const { signal } = this.#ended;
    const { path, descriptor } = arrival;
    if (path === undefined) return;
    const { digest, size } = descriptor;
    const { store, swarm } = this.#deps;
    // Nodes may have been told of one that is whole by now, and it is moved when it is.
    const seed = swarm.seedGrowing({ digest, size, path, movedTo: store.placeOf(digest) });
    try {
      for await (const hashes of arrival.pieceHashes(0, { signal })) seed.grow(hashes);
      await pause(lingerMs, signal);
    } finally {
      await seed[Symbol.asyncDispose]();
    }
  }
}
