import type { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { StorageFullError } from "../core/errors.ts";
import type { BlobReader, BlobWriter, IngestStatus } from "../core/ports/blob-store.ts";

/** What {@link BlobRoom} works with. */
export interface BlobRoomDeps {
  readonly store: Pick<BlobReader, "records"> & Pick<BlobWriter, "abortIngest" | "ingests">;
  readonly budget: Pick<CacheBudget, "enforce">;
  readonly budgetBytes: number;
  /** Called before something is chosen to leave, so that last uses are up to date. */
  readonly noteUses: () => void;
}

/**
 * Room within the budget for blobs that are about to come. Halves that an earlier fetch
 * left behind count, too, and leave first.
 */
export class BlobRoom {
  readonly #deps: BlobRoomDeps;
  /** Room of blobs under way, by the ref of their ingest. */
  readonly #reserved = new Map<string, number>();

  constructor(deps: BlobRoomDeps) {
    this.#deps = deps;
  }

  /**
   * Checks that so many bytes can be here together at all.
   *
   * @throws {StorageFullError}
   */
  check(bytes: number, what: string): void {
    if (bytes <= this.#deps.budgetBytes) return;
    throw new StorageFullError(
      `Cannot keep ${what}: ${bytes} bytes are more than the budget of ${this.#deps.budgetBytes}`,
    );
  }

  /** Keeps what is here of an ingest, and what {@link hold} adds, until the result is disposed of. */
  keep(ref: string): Disposable {
    const half = [...this.#deps.store.ingests()].find((status) => status.ref === ref);
    this.remember(ref, half?.offset ?? 0);
    return { [Symbol.dispose]: () => this.release(ref) };
  }

  /**
   * Keeps room for an ingest that grows: `bytes` of it are here or about to come. Nothing leaves
   * for it that must not, and the ingest itself does not leave, until {@link release}.
   *
   * @throws {StorageFullError} and then what it had room for before it still has.
   */
  async hold(ref: string, bytes: number): Promise<void> {
    const before = this.#reserved.get(ref);
    if (before !== undefined && before >= bytes) return;
    this.check(bytes, "what comes");
    this.#reserved.set(ref, bytes);
    const excessBytes = await this.#makeRoom();
    if (excessBytes === 0) return;
    // It may have been given up meanwhile, for good.
    if (before === undefined) this.#reserved.delete(ref);
    else if (this.#reserved.has(ref)) this.#reserved.set(ref, before);
    throw new StorageFullError(
      "Cannot keep what comes: pinned blobs and preheats under way leave no room for it",
    );
  }

  /** Notes an ingest and what is here of it, without a look at the budget. */
  remember(ref: string, bytes: number): void {
    this.#reserved.set(ref, bytes);
  }

  /** Gives up the room of an ingest. Idempotent. */
  release(ref: string): void {
    this.#reserved.delete(ref);
  }

  async #makeRoom(): Promise<number> {
    const { store, budget, budgetBytes, noteUses } = this.#deps;
    const reservedBytes = [...this.#reserved.values()].reduce((sum, size) => sum + size, 0);
    let halvesBytes = this.#halves().reduce((sum, { offset }) => sum + offset, 0);
    for (const { ref, offset } of this.#halves()) {
      if (lengthOf(store) + reservedBytes + halvesBytes <= budgetBytes) break;
      await store.abortIngest(ref);
      halvesBytes -= offset;
    }
    noteUses();
    return budget.enforce(reservedBytes + halvesBytes);
  }

  /** Ingests that nobody works on, the oldest first. */
  #halves(): IngestStatus[] {
    return [...this.#deps.store.ingests()]
      .filter(({ ref }) => !this.#reserved.has(ref))
      .sort((one, other) => Number(one.updatedAt - other.updatedAt));
  }
}

function lengthOf(store: Pick<BlobReader, "records">): number {
  return [...store.records()].reduce((sum, { size }) => sum + size, 0);
}
