import { Limiter } from "../async/limiter.ts";
import { SingleFlight } from "../async/single-flight.ts";
import { storing } from "../disk/storage-error.ts";
import type { DiskUsage } from "../ports/layer-unpacker.ts";
import { countUsage } from "./count-usage.ts";
import type { SnapshotFolders } from "./snapshot-folders.ts";
import type { StoredSnapshot } from "./stored-snapshot.ts";

/** Trees that are counted at once: Node has four I/O threads, and commits need one. */
const countsAtOnce = 1;

/** Tells what snapshots take on disk. Disposing of it stops the counts that are under way. */
export class UsageCounter implements Disposable {
  readonly #folders: Pick<SnapshotFolders, "files">;
  readonly #committed = new SingleFlight<number, DiskUsage>();
  readonly #limiter = new Limiter(countsAtOnce);
  readonly #stop = new AbortController();

  constructor(folders: Pick<SnapshotFolders, "files">) {
    this.#folders = folders;
  }

  /** What is known of a committed one, or else is counted. A view has nothing of its own. */
  async of({ id, record, usage }: StoredSnapshot): Promise<DiskUsage> {
    if (record.kind === "view") return { size: 0, inodes: 0 };
    if (usage) return usage;
    // What is written right now may be missing from a count that is under way.
    if (record.kind === "active") return this.#count(id);
    return this.#committed.run(id, () => this.#count(id));
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new DOMException("The store is closed", "AbortError"));
  }

  async #count(id: number): Promise<DiskUsage> {
    const { signal } = this.#stop;
    return storing(
      this.#limiter.run(signal, () => countUsage(this.#folders.files(id), { signal })),
    );
  }
}
