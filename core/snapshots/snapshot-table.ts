import { KeyedLock } from "../async/keyed-lock.ts";
import { storing } from "../disk/storage-error.ts";
import { InvalidArgumentError, SnapshotNotFoundError } from "../errors.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/** What is known of all snapshots, in memory, and who may change which. */
export class SnapshotTable {
  readonly #byName = new Map<string, StoredSnapshot>();
  /** How many snapshots have one for their parent, or are about to. */
  readonly #children = new Map<string, number>();
  readonly #lock = new KeyedLock<string>();
  #idMax = 0;

  find(name: string): StoredSnapshot | undefined {
    return this.#byName.get(name);
  }

  /** @throws {SnapshotNotFoundError} */
  get(name: string): StoredSnapshot {
    const snapshot = this.#byName.get(name);
    if (!snapshot) throw new SnapshotNotFoundError(name);
    return snapshot;
  }

  /** @throws {SnapshotNotFoundError} and {InvalidArgumentError} when it is not committed. */
  getCommitted(name: string): StoredSnapshot {
    const snapshot = this.get(name);
    if (snapshot.record.kind === "committed") return snapshot;
    throw new InvalidArgumentError(`Cannot use snapshot ${JSON.stringify(name)}: not committed`);
  }

  /** In no order; they may come and go meanwhile. */
  values(): Iterable<StoredSnapshot> {
    return this.#byName.values();
  }

  /** Adds one, or puts one in the place of what has its name or `formerName`. */
  put(snapshot: StoredSnapshot, { formerName }: { readonly formerName?: string } = {}): void {
    if (formerName !== undefined) this.#byName.delete(formerName);
    this.#byName.set(snapshot.record.name, snapshot);
  }

  delete(name: string): void {
    this.#byName.delete(name);
  }

  /**
   * Keeps a snapshot from being removed because another is made on it, until that is
   * {@link release}d: when it could not be made, or is gone.
   *
   * @throws {SnapshotNotFoundError} and {InvalidArgumentError} when it is not committed.
   */
  hold(parent: string | undefined): void {
    if (parent === undefined) return;
    this.getCommitted(parent);
    this.#children.set(parent, (this.#children.get(parent) ?? 0) + 1);
  }

  release(parent: string | undefined): void {
    if (parent === undefined) return;
    const count = (this.#children.get(parent) ?? 0) - 1;
    if (count > 0) this.#children.set(parent, count);
    else this.#children.delete(parent);
  }

  hasChildren(name: string): boolean {
    return this.#children.has(name);
  }

  /** A snapshot and all below it, nearest first. @throws {SnapshotNotFoundError} */
  chain(name: string | undefined): readonly StoredSnapshot[] {
    const chain: StoredSnapshot[] = [];
    for (let next = name; next !== undefined;) {
      const snapshot = this.get(next);
      chain.push(snapshot);
      next = snapshot.record.parent;
    }
    return chain;
  }

  /** An id that was not used for any folder that is there. */
  takeId(): number {
    return ++this.#idMax;
  }

  /** Says that there is a folder with that id. */
  noteId(id: number): void {
    this.#idMax = Math.max(this.#idMax, id);
  }

  /**
   * Runs what changes snapshots, one at a time for each of the names.
   *
   * @throws {StorageFullError} {DataLossError} in the place of what the file system says.
   */
  async exclusive<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    // Always in the same order, so that no two wait for each other.
    const [name, ...rest] = [...new Set(names)].sort();
    if (name === undefined) return storing(work());
    return this.#lock.run(name, () => this.exclusive(rest, work));
  }
}
