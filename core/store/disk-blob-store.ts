import { read as readCallback } from "node:fs";
import { statfs } from "node:fs/promises";
import { promisify } from "node:util";

import { DisposeStack } from "../async/dispose-stack.ts";
import type { ByteRange } from "../byte-range.ts";
import type { Digest } from "../digest.ts";
import { BlobExistsError, BlobNotFoundError, DataLossError, StorageFullError } from "../errors.ts";
import type { Metainfo } from "../metainfo.ts";
import type {
  ArrivingFile,
  BlobFile,
  BlobFileDescriptor,
  BlobRecord,
  BlobStore,
  DiskSpace,
  Ingest,
  IngestStatus,
  Labels,
  UndescribedBlob,
} from "../ports/blob-store.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { DetachedFile } from "../disk/detached-file.ts";
import { ArrivingTable } from "./arriving-table.ts";
import { BlobTable } from "./blob-table.ts";
import { DescriptorCache } from "./descriptor-cache.ts";
import { IngestTable } from "./ingest-table.ts";
import { loadBlobs, readMetainfo } from "./load-blobs.ts";
import { RootLock } from "../disk/root-lock.ts";
import { storageErrorFrom, storing } from "../disk/storage-error.ts";
import { StoreLayout } from "./store-layout.ts";

const readAt = promisify(readCallback);

/** Longest chunk that is read at once. */
const chunkLengthMax = 1024 * 1024;

/** What a {@link DiskBlobStore} works with. */
export interface DiskBlobStoreDeps {
  /** Folder of the store: a new one, one of ours, or one of containerd's own store. */
  readonly root: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps blobs in the layout of containerd's own content store. */
export class DiskBlobStore implements BlobStore {
  readonly #layout: StoreLayout;
  readonly #clock: Clock;
  readonly #blobs: BlobTable;
  readonly #arriving: ArrivingTable;
  readonly #ingests: IngestTable;
  readonly #files = new DescriptorCache();
  readonly #owned = new DisposeStack();
  #makeRoom: ((bytes: number) => Promise<unknown>) | undefined;

  private constructor({ root, clock, logger }: DiskBlobStoreDeps) {
    this.#layout = new StoreLayout(root);
    this.#clock = clock;
    this.#blobs = new BlobTable(this.#layout);
    this.#arriving = new ArrivingTable(this.#layout, this.#blobs, clock);
    this.#ingests = new IngestTable({
      ...{ layout: this.#layout, blobs: this.#blobs, clock, logger },
      withRoom: (bytes, work) => this.#withRoom(bytes, work),
    });
  }

  /**
   * Opens a store and indexes what is in it.
   *
   * @throws {UnavailableError} when another process has it open.
   * @throws {StorageFullError}
   */
  static async open(deps: DiskBlobStoreDeps, { signal }: Cancellable): Promise<DiskBlobStore> {
    signal.throwIfAborted();
    const store = new DiskBlobStore(deps);
    try {
      store.#open(deps.logger);
      return store;
    } catch (error) {
      return store.#owned.disposeAfter(storageErrorFrom(error));
    }
  }

  find(digest: Digest): BlobRecord | undefined {
    return this.#blobs.find(digest);
  }

  records(): Iterable<BlobRecord> {
    return this.#blobs.values();
  }

  descriptorOf(digest: Digest): BlobFileDescriptor | undefined {
    if (this.#blobs.find(digest)?.whole !== true) return undefined;
    return this.#files.peek(digest, this.#layout.blob(digest));
  }

  pathOf(digest: Digest): string {
    this.#wholeRecord(digest);
    return this.placeOf(digest);
  }

  placeOf(digest: Digest): string {
    return this.#layout.blob(digest);
  }

  async open(digest: Digest): Promise<BlobFile> {
    this.#wholeRecord(digest);
    return this.#files.acquire(digest, this.#layout.blob(digest));
  }

  async *read(
    digest: Digest,
    range: ByteRange,
    { signal }: Cancellable,
  ): AsyncGenerator<Uint8Array, void> {
    const file = await this.open(digest);
    try {
      const end = Math.min(range.end, file.size);
      for (let start = range.start; start < end;) {
        signal.throwIfAborted();
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkLengthMax, end - start));
        const { bytesRead } = await readAt(file.fd, chunk, 0, chunk.length, start);
        if (bytesRead === 0) throw new DataLossError(`Cannot read blob ${digest}: its end is lost`);
        yield chunk.subarray(0, bytesRead);
        start += bytesRead;
      }
    } finally {
      await file[Symbol.asyncDispose]();
    }
  }

  async metainfo(digest: Digest): Promise<Metainfo> {
    const metainfo = readMetainfo(this.#layout.metainfo(digest), digest);
    if (!metainfo) throw new BlobNotFoundError(digest);
    return metainfo;
  }

  async openIngest(ref: string, { total }: { readonly total: number }): Promise<Ingest> {
    return this.#ingests.open(ref, total);
  }

  ingestStatus(ref: string): IngestStatus {
    return this.#ingests.status(ref);
  }

  ingests(): Iterable<IngestStatus> {
    return this.#ingests.statuses();
  }

  async abortIngest(ref: string): Promise<void> {
    await this.#ingests.abort(ref);
  }

  async settle(digest: Digest): Promise<void> {
    return this.#blobs.exclusive(digest, () => this.#blobs.settle(digest));
  }

  async arrive(blob: Metainfo | UndescribedBlob): Promise<ArrivingFile> {
    const bytes = "layout" in blob ? blob.layout.size : blob.size;
    return this.#withRoom(bytes, () => this.#arriving.arrive(blob));
  }

  async promise(digest: Digest, size: number): Promise<BlobRecord> {
    return this.#arriving.promise(digest, size);
  }

  async unpromise(digest: Digest): Promise<void> {
    return this.#arriving.unpromise(digest);
  }

  async anticipate(digest: Digest): Promise<void> {
    return this.#arriving.anticipate(digest);
  }

  async arrived(digest: Digest, metainfo?: Metainfo): Promise<BlobRecord> {
    return this.#arriving.arrived(digest, metainfo);
  }

  async discard(digest: Digest): Promise<void> {
    return this.#arriving.discard(digest);
  }

  arriving(): Iterable<Digest> {
    return this.#arriving.digests();
  }

  async space(): Promise<DiskSpace> {
    const { bavail, blocks, bsize } = await storing(statfs(this.#layout.root));
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  whenFull(makeRoom: (bytes: number) => Promise<unknown>): void {
    this.#makeRoom = makeRoom;
  }

  async label(digest: Digest, labels: Labels): Promise<BlobRecord> {
    return this.#blobs.exclusive(digest, () => {
      const record = this.#blobs.find(digest);
      if (record?.owned !== true) throw new BlobNotFoundError(digest);
      return this.#blobs.save({ ...record, labels, updatedAt: this.#clock.now() });
    });
  }

  async own(digest: Digest, labels: Labels): Promise<BlobRecord> {
    return this.#blobs.exclusive(digest, () => {
      const record = this.#wholeRecord(digest);
      if (record.owned) throw new BlobExistsError(digest);
      const now = this.#clock.now();
      const times = { createdAt: now, updatedAt: now };
      return this.#blobs.save({ ...record, ...times, labels, owned: true });
    });
  }

  async disown(digest: Digest): Promise<void> {
    return this.#blobs.exclusive(digest, async () => {
      const record = this.#blobs.find(digest);
      if (record?.owned !== true) return;
      if (record.provenance === "local" || !record.whole) {
        this.#blobs.freeLater(await this.#remove(digest));
      } else await this.#keepCached(record);
    });
  }

  async evict(digest: Digest): Promise<boolean> {
    return this.#blobs.exclusive(digest, async () => {
      const record = this.#blobs.find(digest);
      if (record?.whole !== true || record.owned) return false;
      const removed = await this.#remove(digest);
      // Who evicts wants the space.
      await removed.free();
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  #open(logger: Logger): void {
    this.#layout.create();
    this.#owned.use(RootLock.acquire(this.#layout.lock));
    this.#owned.use(this.#files);
    this.#owned.use(this.#blobs);
    loadBlobs({ layout: this.#layout, blobs: this.#blobs, arriving: this.#arriving, logger });
    this.#owned.use(this.#ingests);
    this.#ingests.load();
  }

  /** Tries once more, if the disk is full and room can be made. No blob may be held meanwhile. */
  async #withRoom<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageFullError) || !this.#makeRoom) throw error;
      await this.#makeRoom(bytes);
      return work();
    }
  }

  /** On a full disk nothing can be noted: the blob goes, for who deletes needs the room. */
  async #keepCached(record: BlobRecord): Promise<void> {
    const updatedAt = this.#clock.now();
    try {
      await this.#blobs.saveSoon({ ...record, owned: false, labels: {}, updatedAt });
    } catch (error) {
      if (!(storageErrorFrom(error) instanceof StorageFullError)) throw error;
      this.#blobs.freeLater(await this.#remove(record.digest));
    }
  }

  async #remove(digest: Digest): Promise<DetachedFile> {
    this.#files.forget(digest);
    return this.#blobs.remove(digest);
  }

  /** @throws {BlobNotFoundError} */
  #wholeRecord(digest: Digest): BlobRecord {
    const record = this.#blobs.find(digest);
    if (record?.whole !== true) throw new BlobNotFoundError(digest);
    return record;
  }
}
