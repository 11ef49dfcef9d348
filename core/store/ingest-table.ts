import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";

import { IngestNotFoundError, InvalidArgumentError, RefLockedError, codeOf } from "../errors.ts";
import type { IngestStatus } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { BlobTable } from "./blob-table.ts";
import { DiskIngest, type DiskIngestDeps } from "./disk-ingest.ts";
import { IngestFolder } from "./ingest-folder.ts";
import { IngestHash, hashFile } from "./ingest-hash.ts";
import type { IngestState } from "./ingest-state.ts";
import { storageErrorFrom } from "../disk/storage-error.ts";
import type { StoreLayout } from "./store-layout.ts";

/** Longest ref: containerd keeps refs as keys of a database that takes no longer ones. */
const refBytesMax = 32_768;

/**
 * How long an open waits for a close that is under way. containerd closes without
 * waiting and may open again at once; but it opens inside its database lock.
 */
const closeWaitMs = 50;

/**
 * Bytes that are read and hashed again while an open waits: some 30 ms. With more, an open
 * is refused until that is done, and containerd comes back outside of its database lock.
 */
const rehashedAtOnceMax = 16 * 1024 * 1024;

/** An ingest whose bytes an earlier process wrote has no hash until they were read again. */
type KnownIngest = Omit<IngestState, "hash"> & { hash: IngestHash | undefined };

/** What an {@link IngestTable} works with. */
export interface IngestTableDeps {
  readonly layout: StoreLayout;
  readonly blobs: BlobTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly withRoom: DiskIngestDeps["withRoom"];
}

/** All ingests by their ref, and who has which open. */
export class IngestTable implements AsyncDisposable {
  readonly #deps: IngestTableDeps;
  readonly #ingests = new Map<string, KnownIngest>();
  /** `undefined`: about to be open. */
  readonly #holders = new Map<string, DiskIngest | undefined>();
  readonly #rehashing = new Map<KnownIngest, Promise<IngestHash>>();
  readonly #tidying = new Set<Promise<void>>();
  /** By the folder's path. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #background: Promise<void> = Promise.resolve();

  constructor(deps: IngestTableDeps) {
    this.#deps = deps;
  }

  /** Finds what an earlier process left, and sweeps what cannot be resumed. */
  load(): void {
    const { layout } = this.#deps;
    for (const name of readdirSync(layout.ingests)) {
      const path = join(layout.ingests, name);
      const folder = new IngestFolder(path, { isStored: true, after: undefined });
      const stored = folder.read();
      if (stored && layout.ingest(stored.ref) === folder.path) {
        const hash = stored.offset === 0 ? new IngestHash(stored.total) : undefined;
        this.#ingests.set(stored.ref, { ...stored, folder, hash, isPublished: false });
      } else this.#remove(folder);
    }
    this.#background = this.#rehashAll();
  }

  /** @throws {IngestNotFoundError} */
  status(ref: string): IngestStatus {
    const ingest = this.#ingests.get(ref);
    if (!ingest) throw new IngestNotFoundError(ref);
    return statusOf(ingest);
  }

  *statuses(): Iterable<IngestStatus> {
    for (const ingest of this.#ingests.values()) yield statusOf(ingest);
  }

  /**
   * @throws {RefLockedError} also while what an earlier process wrote is read again.
   * @throws {InvalidArgumentError}
   */
  async open(ref: string, total: number): Promise<DiskIngest> {
    checkRef(ref);
    await this.#closed(ref);
    if (this.#holders.has(ref)) throw new RefLockedError(ref);
    this.#holders.set(ref, undefined);
    try {
      const state = await this.#state(ref, total);
      if (this.#ingests.get(ref) !== state) throw new RefLockedError(ref);
      const ingest = this.#hold(state);
      this.#holders.set(ref, ingest);
      return ingest;
    } catch (error) {
      this.#holders.delete(ref);
      throw storageErrorFrom(error);
    }
  }

  /** Deletes an ingest, open or not. Its ref is free at once. */
  async abort(ref: string): Promise<void> {
    const ingest = this.#ingests.get(ref);
    if (!ingest) return;
    this.#holders.get(ref)?.orphan();
    if (this.#holders.get(ref)) this.#holders.delete(ref);
    this.#forget(ingest);
    await this.#removals.get(ingest.folder.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The store is closing", "AbortError"));
    await this.#background;
    const held = [...this.#holders.values()].filter((ingest) => ingest !== undefined);
    await Promise.all(held.map((ingest) => ingest.close()));
    // A removal may leave space to be freed.
    await Promise.all(this.#removals.values());
    await Promise.all(this.#tidying);
  }

  /** Waits a moment for whoever is about to let go of the ref. */
  async #closed(ref: string): Promise<void> {
    if (!this.#holders.has(ref)) return;
    await turn();
    const closing = this.#holders.get(ref)?.closing;
    if (!closing) return;
    const timeout = new AbortController();
    const waited = sleep(closeWaitMs, undefined, { signal: timeout.signal });
    waited.catch(() => undefined);
    await Promise.race([closing, waited]);
    timeout.abort();
  }

  #hold(state: IngestState): DiskIngest {
    const { blobs, clock, withRoom } = this.#deps;
    const release = () => {
      if (this.#holders.get(state.ref) === ingest) this.#holders.delete(state.ref);
    };
    const ingest = new DiskIngest({
      state,
      blobs,
      clock,
      withRoom,
      inBackground: (work) => this.#tidyingOf(work),
      release,
      drop: () => {
        release();
        this.#forget(state);
      },
    });
    return ingest;
  }

  #tidyingOf(work: Promise<void>): void {
    const tidying = work
      .catch((error: unknown) => {
        this.#deps.logger.warn("cannot close an ingest", { code: codeOf(error) });
      })
      .finally(() => this.#tidying.delete(tidying));
    this.#tidying.add(tidying);
  }

  /** The ingest of that ref, ready to go on, or a new one. */
  async #state(ref: string, total: number): Promise<IngestState> {
    const known = this.#ingests.get(ref);
    if (known && !(total > 0 && known.total > 0 && total !== known.total)) {
      if (known.hash || known.offset <= rehashedAtOnceMax) return this.#rehashed(known);
      void this.#rehashSoon(known);
      throw new RefLockedError(ref);
    }
    const { layout, clock } = this.#deps;
    const now = clock.now();
    const path = layout.ingest(ref);
    // Bytes of another length under the same ref make no blob any more.
    if (known) this.#forget(known);
    const folder = new IngestFolder(path, { isStored: false, after: this.#removals.get(path) });
    const times = { startedAt: now, updatedAt: now };
    const state = { ref, folder, offset: 0, total: Math.max(total, 0), ...times };
    const created = { ...state, hash: new IngestHash(total), isPublished: false };
    this.#ingests.set(ref, created);
    return created;
  }

  /** Reads again what an earlier process wrote, once. */
  async #rehashed(ingest: KnownIngest): Promise<IngestState> {
    if (!ingest.hash) {
      const { offset: size, total, folder } = ingest;
      const signal = this.#stop.signal;
      let running = this.#rehashing.get(ingest);
      running ??= hashFile(folder.data, { size, total, signal });
      this.#rehashing.set(ingest, running);
      try {
        ingest.hash = await running;
        ingest.offset = ingest.hash.size;
      } catch (error) {
        // Its file is gone because it was aborted.
        if (this.#ingests.get(ingest.ref) !== ingest) throw new RefLockedError(ingest.ref);
        throw error;
      } finally {
        this.#rehashing.delete(ingest);
      }
    }
    return ingest as IngestState;
  }

  /** Starts right after a restart, so that containerd, when it is back, need not wait. */
  async #rehashAll(): Promise<void> {
    for (const ingest of [...this.#ingests.values()]) {
      if (this.#stop.signal.aborted) return;
      if (!ingest.hash && this.#ingests.get(ingest.ref) === ingest) await this.#rehashSoon(ingest);
    }
  }

  /** Never rejects. What cannot be read is of no use: whoever opens it next starts anew. */
  async #rehashSoon(ingest: KnownIngest): Promise<void> {
    try {
      await this.#rehashed(ingest);
    } catch (error) {
      if (this.#stop.signal.aborted || this.#ingests.get(ingest.ref) !== ingest) return;
      const { ref } = ingest;
      this.#deps.logger.warn("cannot read an ingest again", { ref, code: codeOf(error) });
      this.#forget(ingest);
    }
  }

  #forget(ingest: KnownIngest): void {
    if (this.#ingests.get(ingest.ref) !== ingest) return;
    this.#ingests.delete(ingest.ref);
    this.#remove(ingest.folder);
  }

  /** Deletes a folder in the background; whoever needs its place waits for that. */
  #remove(folder: IngestFolder): void {
    const removal = folder
      .remove()
      .then((data) => data && this.#tidyingOf(data.free()))
      .catch((error: unknown) => {
        this.#deps.logger.warn("cannot delete an ingest", { code: codeOf(error) });
      })
      .finally(() => {
        if (this.#removals.get(folder.path) === removal) this.#removals.delete(folder.path);
      });
    this.#removals.set(folder.path, removal);
  }
}

function checkRef(ref: string): void {
  if (ref === "") throw new InvalidArgumentError("Cannot open an ingest without a ref");
  if (Buffer.byteLength(ref) > refBytesMax) {
    throw new InvalidArgumentError(`Cannot open an ingest: its ref is over ${refBytesMax} bytes`);
  }
}

function statusOf(ingest: KnownIngest): IngestStatus {
  const { ref, offset, total, startedAt, updatedAt } = ingest;
  return { ref, offset, total, startedAt, updatedAt };
}
