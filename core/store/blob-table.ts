import { chmod, rename, rm, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { isDeepStrictEqual } from "node:util";

import { KeyedLock } from "../async/keyed-lock.ts";
import type { Digest } from "../digest.ts";
import { type Metainfo, encodeMetainfo } from "../metainfo.ts";
import type { BlobRecord } from "../ports/blob-store.ts";
import { encodeRecord } from "./blob-record-file.ts";
import { type DetachedFile, detachFile } from "../disk/detached-file.ts";
import { replaceFile, sync } from "../disk/durable-file.ts";
import type { StoreLayout } from "./store-layout.ts";
import { storing } from "../disk/storage-error.ts";

/**
 * The records of all blobs, in memory and on disk.
 *
 * A blob file without a record on disk is one that containerd's own store wrote; a record
 * that says `whole` without a blob file is nothing. So a blob is published by
 * putting the record in place first, and deleted by taking it away last: whatever happens
 * in between, the next start sees the state before.
 */
export class BlobTable implements AsyncDisposable {
  readonly #layout: StoreLayout;
  readonly #records = new Map<Digest, BlobRecord>();
  readonly #lock = new KeyedLock<Digest>();
  /** What is on disk of blobs that are about to be owned. */
  readonly #anticipated = new Map<Digest, BlobRecord>();
  readonly #tidying = new Set<Promise<void>>();

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  find(digest: Digest): BlobRecord | undefined {
    return this.#records.get(digest);
  }

  values(): Iterable<BlobRecord> {
    return this.#records.values();
  }

  /** Takes a record that is on disk already, or that follows from what is. */
  adopt(record: BlobRecord): void {
    this.#records.set(record.digest, record);
  }

  /**
   * Runs what changes a blob or depends on it, one at a time per digest.
   *
   * @throws {StorageFullError} in the place of what the file system says.
   */
  async exclusive<T>(digest: Digest, work: () => T | Promise<T>): Promise<T> {
    return storing(this.#lock.run(digest, work));
  }

  /**
   * Moves a finished, synced file into its place as a blob. Visible when it resolves, and
   * on disk if it is owned. What is only cached may be back where it was after a power
   * cut, until {@link settle}; it is whole in either place.
   *
   * @param blob.check Throws if the file must stay where it is after all.
   * @throws {StorageFullError} with the file still where it was. {DataLossError} also when it was
   *   moved and the disk failed then: it is here, and owned only if it was before.
   */
  async publish(
    record: BlobRecord,
    blob: {
      readonly path: string;
      readonly metainfo?: Metainfo | undefined;
      readonly check?: () => void;
    },
  ): Promise<BlobRecord> {
    const { path, metainfo, check } = blob;
    if (metainfo) await this.writeMetainfo(metainfo);
    const target = this.#layout.blob(record.digest);
    const progress = { hasMoved: false };
    const move = async () => {
      check?.();
      // containerd's own store takes these times for creation and update.
      const seconds = Number(record.createdAt / 1_000_000n) / 1000;
      await utimes(path, seconds, seconds);
      await chmod(path, 0o444);
      await rename(path, target);
      progress.hasMoved = true;
    };
    const isAnticipated = this.#anticipated.has(record.digest);
    try {
      await this.#write(isAnticipated ? { ...record, owned: true } : record, move);
    } catch (error) {
      const owned = this.#records.get(record.digest)?.owned === true;
      if (progress.hasMoved) this.#records.set(record.digest, { ...record, owned });
      throw error;
    }
    this.#records.set(record.digest, record);
    return record;
  }

  /**
   * Puts on disk that a blob is owned, while memory goes on to say what it says. The
   * {@link save} that follows need not wait for the disk.
   */
  async anticipate(record: BlobRecord): Promise<void> {
    await this.#write({ ...record, owned: true });
    this.#anticipated.set(record.digest, record);
  }

  /** Changes or adds a record; on disk when it resolves. @throws {StorageFullError} */
  async save(record: BlobRecord): Promise<BlobRecord> {
    const { digest, labels, owned } = record;
    const anticipated = this.#anticipated.get(digest);
    this.#anticipated.delete(digest);
    if (anticipated && owned && isDeepStrictEqual(anticipated.labels, labels)) {
      // All that is not on disk yet is by how little the times are off.
      this.#records.set(digest, record);
      this.#tidy(record);
      return record;
    }
    await this.#write(record);
    this.#records.set(digest, record);
    return record;
  }

  /** Changes a record such that a power cut may undo it. */
  async saveSoon(record: BlobRecord): Promise<void> {
    this.#anticipated.delete(record.digest);
    const path = this.#layout.record(record.digest);
    await replaceFile(path, encodeRecord(record), { durable: false });
    this.#records.set(record.digest, record);
  }

  /** Sees that a whole blob and its record are on disk as an owned one's are. */
  async settle(digest: Digest): Promise<void> {
    const record = this.#records.get(digest);
    if (record?.whole !== true || record.owned) return;
    await sync(this.#layout.record(digest));
    await this.#sync(record);
  }

  /** Waits for what is written in the background. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#tidying);
  }

  async writeMetainfo(metainfo: Metainfo): Promise<void> {
    const path = this.#layout.metainfo(metainfo.digest);
    await replaceFile(path, encodeMetainfo(metainfo), { durable: false });
  }

  /**
   * Deletes blob, metainfo and record. A power cut may undo it.
   *
   * @returns The blob's file, whose space takes its time to be free.
   */
  async remove(digest: Digest): Promise<DetachedFile> {
    this.#forget(digest);
    const blob = await detachFile(this.#layout.blob(digest));
    try {
      await rm(this.#layout.metainfo(digest), { force: true });
      await rm(this.#layout.record(digest), { force: true });
      return blob;
    } catch (error) {
      await blob.free();
      throw error;
    }
  }

  /** Deletes the record alone, of a blob that is still to come. A power cut may undo it. */
  async removeRecord(digest: Digest): Promise<void> {
    this.#forget(digest);
    await rm(this.#layout.record(digest), { force: true });
  }

  /** Frees the space of a file that was deleted while nobody waits for it. */
  freeLater(file: DetachedFile): void {
    // The file is deleted; that it could not be closed is nothing that anybody can mend.
    this.#inBackground(file.free().catch(() => undefined));
  }

  #forget(digest: Digest): void {
    this.#records.delete(digest);
    this.#anticipated.delete(digest);
  }

  /** Writes the record again, with what memory knows better than the disk. */
  #tidy(record: BlobRecord): void {
    const tidying = this.#lock.run(record.digest, async () => {
      if (this.#records.get(record.digest) === record) await this.#write(record);
    });
    // Nothing that matters is missing on disk.
    this.#inBackground(tidying.catch(() => undefined));
  }

  /** Takes over work that cannot fail. */
  #inBackground(work: Promise<void>): void {
    const tidying = work.finally(() => this.#tidying.delete(tidying));
    this.#tidying.add(tidying);
  }

  /** Puts a record on disk, with all that an owned one needs, and does `move` in between. */
  async #write(record: BlobRecord, move?: () => Promise<void>): Promise<void> {
    const { digest, owned: durable } = record;
    await replaceFile(this.#layout.record(digest), encodeRecord(record), { durable });
    try {
      await move?.();
    } catch (error) {
      await this.#restore(digest);
      throw error;
    }
    if (!durable) return;
    try {
      await this.#sync(record);
    } catch (error) {
      // Whoever comes next has to ask the disk again.
      this.#anticipated.delete(digest);
      throw error;
    }
  }

  /** Sees that what an owned record relies on is on disk: its name, the blob's, the metainfo. */
  async #sync({ digest, whole, infoHash }: BlobRecord): Promise<void> {
    const metainfo = this.#layout.metainfo(digest);
    await Promise.all([
      sync(dirname(this.#layout.record(digest))),
      sync(dirname(whole ? this.#layout.blob(digest) : this.#layout.arriving(digest))),
      ...(infoHash === undefined ? [] : [sync(metainfo), sync(dirname(metainfo))]),
    ]);
  }

  /** Puts back on disk what memory says. */
  async #restore(digest: Digest): Promise<void> {
    this.#anticipated.delete(digest);
    const record = this.#records.get(digest);
    const path = this.#layout.record(digest);
    if (record) await replaceFile(path, encodeRecord(record), { durable: record.owned });
    else await rm(path, { force: true });
  }
}
