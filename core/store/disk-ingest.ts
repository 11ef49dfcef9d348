import { type FileHandle, open } from "node:fs/promises";

import { type Digest, algorithmOf } from "../digest.ts";
import {
  BlobExistsError,
  BlobSizeError,
  DataLossError,
  DigestMismatchError,
  IngestNotFoundError,
} from "../errors.ts";
import type { BlobRecord, CommitOptions, Ingest, IngestStatus } from "../ports/blob-store.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import type { BlobTable } from "./blob-table.ts";
import { IngestHash, digestOfFile, hashFile } from "./ingest-hash.ts";
import { IngestPublication } from "./ingest-publication.ts";
import type { IngestState } from "./ingest-state.ts";
import { storageErrorFrom, storing } from "../disk/storage-error.ts";

/** Bytes written and hashed at once: half a millisecond of hashing, then others have their turn. */
const sliceLengthBytes = 1024 * 1024;

/** What a {@link DiskIngest} works with. */
export interface DiskIngestDeps {
  readonly state: IngestState;
  readonly blobs: BlobTable;
  readonly clock: Clock;
  /** Does it, and once more when room for so many bytes was made on a full disk. */
  readonly withRoom: <T>(bytes: number, work: () => Promise<T>) => Promise<T>;
  /** Takes over work that nobody waits for; it is done before the store ends. */
  readonly inBackground: (work: Promise<void>) => void;
  /** Called once, when the ref is free for others. */
  readonly release: () => void;
  /** Forgets the ingest: its bytes became a blob, or are not needed. */
  readonly drop: () => void;
}

/** An ingest that is open for writing. Its calls are done one after the other. */
export class DiskIngest implements Ingest {
  readonly #deps: DiskIngestDeps;
  readonly #state: IngestState;
  readonly #publication: IngestPublication;
  /** Opened when it is first needed; closed once the bytes are a blob. */
  #file: FileHandle | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  /** The ingest is not in the store any more, or is closed. */
  #ended = false;
  /** The bytes so far would survive a power cut. */
  #synced = false;

  constructor(deps: DiskIngestDeps) {
    this.#deps = deps;
    this.#state = deps.state;
    const { state, blobs, clock } = deps;
    this.#publication = new IngestPublication({
      ...{ state, blobs, clock, assertOpen: () => this.#assertOpen() },
    });
  }

  get status(): IngestStatus {
    const { ref, offset, total, startedAt, updatedAt } = this.#state;
    return { ref, offset, total, startedAt, updatedAt };
  }

  get path(): string | undefined {
    const { folder, isPublished } = this.#state;
    return folder.isStored && !isPublished ? folder.data : undefined;
  }

  finishedPieces(start: number): Uint8Array {
    return this.#state.hash.finishedPieces(start);
  }

  /** Resolves when the ref is free again; `undefined` while nobody has called {@link close}. */
  get closing(): Promise<void> | undefined {
    return this.#closing;
  }

  expect(total: number): void {
    const state = this.#state;
    if (total <= 0 || state.total > 0 || this.#ended) return;
    state.total = total;
    // After a restart without it the total comes with the next open.
    void this.#serially(() => state.folder.writeTotal(total)).catch(() => undefined);
    if (state.offset === 0) state.hash = new IngestHash(total);
  }

  async write(
    chunk: Uint8Array,
    { onTaken }: { readonly onTaken?: () => void } = {},
  ): Promise<void> {
    return this.#serially(async () => {
      for (let start = 0; start < chunk.byteLength; start += sliceLengthBytes) {
        this.#assertOpen();
        await this.#append(chunk.subarray(start, start + sliceLengthBytes));
        onTaken?.();
      }
      // containerd asks for COMMIT inside its database lock: the wait for the disk is now.
      if (this.#state.total > 0 && this.#state.offset === this.#state.total) await this.#sync();
    });
  }

  async truncate(): Promise<void> {
    return this.#serially(async () => {
      this.#assertOpen();
      const state = this.#state;
      if (state.isPublished) {
        this.#file = await open(state.folder.data, "w+");
        state.isPublished = false;
      } else if (state.folder.isStored) await (await this.#opened()).truncate(0);
      this.#startOver();
    });
  }

  digest(): Digest {
    return this.#state.hash.digest();
  }

  async hashPieces({ signal }: Cancellable): Promise<void> {
    return this.#serially(async () => {
      this.#assertOpen();
      const state = this.#state;
      const { offset: size, total, folder } = state;
      const isHashed = size === total && state.hash.finishedPieces(0).byteLength > 0;
      if (size === 0 || isHashed || state.isPublished) return;
      const hash = await hashFile(folder.data, { size, total: size, signal });
      this.#assertOpen();
      state.total = size;
      state.hash = hash;
    });
  }

  async prepare(expected: Digest): Promise<void> {
    return this.#serially(async () => {
      this.#assertOpen();
      if (this.#state.isPublished || this.digest() !== expected) return;
      await this.#sync();
      await this.#deps.blobs.exclusive(expected, () => this.#publishUnowned(expected));
    });
  }

  async commit(options: CommitOptions): Promise<BlobRecord> {
    return this.#serially(async () => {
      this.#assertOpen();
      const { offset } = this.#state;
      if (options.size > 0 && options.size !== offset) {
        throw new BlobSizeError(options.size, offset);
      }
      const digest = await this.#checkedDigest(options.expected);
      await this.#sync();
      return this.#deps.blobs.exclusive(digest, () => this.#publish(digest, options));
    });
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  async abort(): Promise<void> {
    return this.#serially(async () => {
      if (!this.#ended) this.#drop();
    });
  }

  /** The ref is free as soon as what was begun is done; the disk catches up afterwards. */
  async close(): Promise<void> {
    this.#closing ??= this.#serially(async () => {
      this.#deps.inBackground(this.#tidy({ isKept: !this.#ended }));
      this.#ended = true;
    }).finally(this.#deps.release);
    return this.#closing;
  }

  /** The ingest was aborted behind the holder's back: it only has to close. */
  orphan(): void {
    this.#ended = true;
  }

  async #publish(digest: Digest, options: CommitOptions): Promise<BlobRecord> {
    try {
      const record = await this.#publication.commit(digest, options);
      this.#drop();
      return record;
    } catch (error) {
      // Nobody needs the bytes a second time.
      if (error instanceof BlobExistsError) this.#drop();
      throw error;
    } finally {
      await this.#closePublished();
    }
  }

  async #publishUnowned(digest: Digest): Promise<void> {
    try {
      await this.#publication.prepare(digest);
    } finally {
      await this.#closePublished();
    }
  }

  /** What was open is the blob now. */
  async #closePublished(): Promise<void> {
    if (this.#state.isPublished) await this.#closeFile();
  }

  async #checkedDigest(expected: Digest | undefined): Promise<Digest> {
    const algorithm = expected ? algorithmOf(expected) : "sha256";
    const actual =
      algorithm === "sha256"
        ? this.digest()
        : await digestOfFile(this.#state.folder.data, {
            algorithm,
            size: this.#state.offset,
            signal: new AbortController().signal,
          });
    if (expected !== undefined && expected !== actual) {
      throw new DigestMismatchError(expected, actual);
    }
    return actual;
  }

  async #append(slice: Uint8Array): Promise<void> {
    const state = this.#state;
    if (state.isPublished) {
      throw new BlobSizeError(state.offset, state.offset + slice.byteLength);
    }
    const missingBytes = Math.max(slice.byteLength, state.total - state.offset);
    await this.#deps.withRoom(missingBytes, () => this.#writeEnd(slice));
    state.hash.update(slice);
    state.offset += slice.byteLength;
    state.updatedAt = this.#deps.clock.now();
    this.#synced = false;
  }

  async #writeEnd(slice: Uint8Array): Promise<void> {
    // It may have waited for room: the folder is another one's if it was aborted meanwhile.
    this.#assertOpen();
    const { offset } = this.#state;
    const file = await storing(this.#opened());
    try {
      await writeFully(file, slice, offset);
    } catch (error) {
      // What came of this slice is cut off again, so that file and hash tell the same.
      await file.truncate(offset).catch(() => undefined);
      throw storageErrorFrom(error);
    }
  }

  /** The data file, made if no byte came before. */
  async #opened(): Promise<FileHandle> {
    const { folder } = this.#state;
    if (!this.#file) {
      await folder.create(this.#state);
      this.#assertOpen();
      this.#file = await open(folder.data, "r+");
    }
    return this.#file;
  }

  async #sync(): Promise<void> {
    if (this.#synced || this.#state.isPublished) return;
    const file = await storing(this.#opened());
    const { size } = await file.stat();
    const { offset } = this.#state;
    if (size < offset) throw new DataLossError(`Cannot commit: ${offset - size} bytes are lost`);
    if (size > offset) await file.truncate(offset);
    try {
      await storing(file.sync());
    } catch (error) {
      // The kernel says so once: it takes the bytes for written then, and they are not on disk.
      await file.truncate(0).catch(() => undefined);
      this.#startOver();
      throw error;
    }
    this.#synced = true;
  }

  #startOver(): void {
    const state = this.#state;
    state.offset = 0;
    state.hash = new IngestHash(state.total);
    state.updatedAt = this.#deps.clock.now();
    this.#synced = false;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #tidy({ isKept }: { readonly isKept: boolean }): Promise<void> {
    const { folder, updatedAt } = this.#state;
    // A full disk: after a restart the time of the data file counts, which is close.
    if (isKept) await folder.writeUpdatedAt(updatedAt).catch(() => undefined);
    await this.#closeFile();
  }

  #drop(): void {
    this.#ended = true;
    this.#deps.drop();
  }

  #assertOpen(): void {
    if (this.#ended) throw new IngestNotFoundError(this.#state.ref);
  }

  /** Runs `work` after what was begun before. */
  async #serially<T>(work: () => Promise<T>): Promise<T> {
    const running = this.#last.then(work);
    this.#last = running.catch(() => undefined);
    return running;
  }
}

/** @throws {DataLossError} when the file takes no more. */
async function writeFully(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const length = bytes.byteLength - done;
    const { bytesWritten } = await file.write(bytes, done, length, offset + done);
    if (bytesWritten === 0) throw new DataLossError(`Cannot write ${length} bytes: none was taken`);
    done += bytesWritten;
  }
}
