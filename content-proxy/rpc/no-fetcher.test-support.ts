import type { ByteRange } from "../../core/byte-range.ts";
import type { Digest } from "../../core/digest.ts";
import { BlobNotFoundError, OffsetError } from "../../core/errors.ts";
import type { BlobFile, BlobRecord, BlobStore } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { BlobFetcher, LocatedBlob } from "../blob-fetcher.ts";

/** A fetcher without a swarm: what is not in the store is nowhere. For tests of the rpc handlers. */
export class NoFetcher implements BlobFetcher {
  readonly #store: BlobStore;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  async obtain(): Promise<undefined> {
    return undefined;
  }

  async commit(digest: Digest): Promise<BlobRecord> {
    throw new BlobNotFoundError(digest);
  }

  expectCommit(): void {
    // Nothing is evicted.
  }

  progressOf(): number | undefined {
    return undefined;
  }

  written(): void {
    // Nobody is told.
  }

  locate(digest: Digest, offset: number): LocatedBlob | undefined {
    this.#checkOwned(digest, offset);
    const file = this.#store.descriptorOf(digest);
    return file && { ...file, availableEnd: file.size };
  }

  async open(digest: Digest): Promise<BlobFile | undefined> {
    return this.#store.find(digest)?.whole === true ? this.#store.open(digest) : undefined;
  }

  async *read(
    digest: Digest,
    range: ByteRange,
    options: Cancellable,
  ): AsyncGenerator<Uint8Array, void> {
    this.#checkOwned(digest, range.start);
    yield* this.#store.read(digest, range, options);
  }

  async disown(digest: Digest): Promise<void> {
    await this.#store.disown(digest);
  }

  #checkOwned(digest: Digest, offset: number): void {
    const record = this.#store.find(digest);
    if (record?.owned !== true) throw new BlobNotFoundError(digest);
    if (offset > record.size) throw new OffsetError(offset, `at most ${record.size}`);
  }
}
