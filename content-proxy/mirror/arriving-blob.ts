import type { ByteRange } from "../../core/byte-range.ts";
import { createDeadline } from "../../core/async/deadline.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Arrival } from "../arrival.ts";
import { readArriving } from "../read-arriving.ts";
import { hurryRanges } from "./hurry-ranges.ts";
import type { Patience } from "./patience.ts";
import type { ReadOptions, SuppliedBlob } from "./supplied-blob.ts";
import { WaitAllowance } from "./wait-allowance.ts";
import { WholeBlob } from "./whole-blob.ts";

/** What an {@link ArrivingBlob} works with. */
export interface ArrivingBlobDeps {
  readonly store: Pick<BlobReader, "open">;
  readonly arrival: Pick<
    Arrival,
    | "digest"
    | "size"
    | "ended"
    | "bytesDone"
    | "bytesGiven"
    | "locate"
    | "read"
    | "ready"
    | "reliable"
  >;
  /** Keeps it arriving. */
  readonly claim: Disposable;
  /** What is left of it is for the first bytes. */
  readonly patience: Patience;
  /** The next bytes are not waited for longer than this. */
  readonly stallTimeoutMs: number;
  /** What is read at once. */
  readonly chunkLengthMax: number;
}

/** How long the disk may need to take in a large blob once all its bytes are here. */
const settleTimeoutMs = 60_000;

/**
 * A blob that is given while it arrives. Its pieces were checked, but not all of it: so its
 * last byte is kept back until its digest is known to be right, and without it no client
 * takes it for whole. Who wants a part only, as lazy snapshotters do of a layer's end, where its
 * table of contents is, has it as soon as its pieces are here.
 */
export class ArrivingBlob implements SuppliedBlob {
  readonly #deps: ArrivingBlobDeps;

  constructor(deps: ArrivingBlobDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#deps.arrival.size;
  }

  async ready({ start }: ByteRange, { signal }: Cancellable): Promise<void> {
    const { arrival, patience } = this.#deps;
    const first = { start, end: Math.min(start + 1, this.size) };
    const ready = (options: Cancellable) => arrival.ready(first, options);
    await patience.whileBytesCome(arrival, ready, { signal });
  }

  hurry(ranges: readonly ByteRange[]): Disposable {
    return hurryRanges(this.#deps.arrival, ranges);
  }

  async *read(range: ByteRange, { isPart, signal }: ReadOptions): AsyncGenerator<Uint8Array, void> {
    const { arrival, store, stallTimeoutMs: readTimeoutMs, chunkLengthMax } = this.#deps;
    let start = range.start;
    const early = { start, end: Math.min(range.end, this.size - (isPart ? 0 : 1)) };
    const allowance = new WaitAllowance({ stallTimeoutMs: readTimeoutMs });
    const options = { signal, readTimeoutMs, chunkLengthMax };
    let waitingSinceMs = performance.now();
    for await (const chunk of readArriving(arrival, early, options)) {
      const bytes = chunk.byteLength;
      start += bytes;
      allowance.spend({ waitedMs: performance.now() - waitingSinceMs, bytes });
      yield chunk;
      if (allowance.isSpent) {
        throw new UnavailableError(`Cannot read blob ${arrival.digest}: its bytes come in drops`);
      }
      // What the client took its time for is not ours.
      waitingSinceMs = performance.now();
    }
    if (start === range.end) return;
    await this.#settled({ signal });
    const whole = new WholeBlob(await store.open(arrival.digest), { chunkLengthMax });
    try {
      yield* whole.read({ start, end: range.end }, { signal });
    } finally {
      await whole[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deps.claim[Symbol.dispose]();
    return Promise.resolve();
  }

  /** Waits until it is in its place. */
  async #settled({ signal }: Cancellable): Promise<void> {
    const { arrival } = this.#deps;
    const deadline = createDeadline(signal, settleTimeoutMs);
    try {
      if (await arrival.reliable({ streamed: false, signal: deadline.signal })) return;
    } catch (cause) {
      signal.throwIfAborted();
      throw new UnavailableError(`Cannot read blob ${arrival.digest}: it is late`, { cause });
    } finally {
      deadline[Symbol.dispose]();
    }
    throw new UnavailableError(`Cannot read blob ${arrival.digest}: it did not arrive`);
  }
}
