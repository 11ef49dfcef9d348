import { randomUUID } from "node:crypto";

import type { Digest } from "../../core/digest.ts";
import {
  BlobSizeError,
  DigestMismatchError,
  IngestNotFoundError,
  OffsetError,
  RefLockedError,
  UnavailableError,
} from "../../core/errors.ts";
import { ApiError } from "../../core/oci-api/api-error.ts";
import { blobSizeMax } from "../../core/piece-layout.ts";
import type { BlobRecord, BlobWriter, Ingest, IngestStatus } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Repository } from "../../core/ports/origin.ts";
import type { BlobRoom } from "../blob-room.ts";
import { type Upload, refOf, uploadOfRef } from "./upload.ts";

/** What {@link Uploads} works with. */
export interface UploadsDeps {
  readonly store: Pick<BlobWriter, "openIngest" | "abortIngest" | "ingestStatus" | "ingests">;
  readonly room: Pick<BlobRoom, "hold" | "remember" | "release">;
  /** Uploads that may be under way, or wait to go on. */
  readonly uploadsMax: number;
  /** How long one may wait to go on. */
  readonly uploadIdleMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A part of a blob on its way in. */
export interface UploadPart {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Where it begins, if the client says so. */
  readonly start: number | undefined;
  /** Its length in bytes, if the client says so. */
  readonly length: number | undefined;
}

interface UploadState extends Upload {
  /** By the monotonic clock. */
  touchedMs: number;
  isBusy: boolean;
}

/** Room that is made for a blob of unknown size, and again when that is used up. */
const roomStepBytes = 64 * 1024 * 1024;

/** Milliseconds between two looks for uploads that nobody goes on with. */
const sweepIntervalMs = 30_000;

/**
 * Blobs that clients upload, each in an ingest of the store: what came survives a restart, and
 * the client may go on where it ended.
 */
export class Uploads implements Disposable {
  readonly #deps: UploadsDeps;
  readonly #uploads = new Map<string, UploadState>();
  readonly #sweeper: NodeJS.Timeout;

  /** Finds what an earlier process left in the store. */
  constructor(deps: UploadsDeps) {
    this.#deps = deps;
    for (const status of deps.store.ingests()) this.#find(status);
    this.#sweeper = setInterval(() => void this.sweep(), sweepIntervalMs).unref();
  }

  get size(): number {
    return this.#uploads.size;
  }

  /** @throws {ApiError} TOOMANYREQUESTS */
  begin({ registry, repository }: Repository): Upload {
    if (this.#uploads.size >= this.#deps.uploadsMax) {
      throw new ApiError("TOOMANYREQUESTS", "Cannot begin an upload: as many as may wait to go on");
    }
    const upload = { id: randomUUID(), registry, repository };
    this.#uploads.set(upload.id, { ...upload, touchedMs: this.#nowMs(), isBusy: false });
    return upload;
  }

  /** @throws {ApiError} BLOB_UPLOAD_UNKNOWN, also for one of another repository. */
  find(id: string, { repository }: Pick<Repository, "repository">): Upload {
    return this.#stateOf({ id, repository });
  }

  /** Bytes that are here. */
  offset(upload: Upload): number {
    this.#stateOf(upload);
    return this.#statusOf(upload)?.offset ?? 0;
  }

  /**
   * Adds a part, and gives how many bytes are here then. What came before a failure stays.
   *
   * @throws {OffsetError} when it begins elsewhere than where the last one ended.
   * @throws {BlobSizeError} when it has another length than was said.
   * @throws {StorageFullError}
   * @throws {ApiError} when somebody else writes to it, it is unknown, or becomes too long.
   */
  async append(upload: Upload, part: UploadPart): Promise<number> {
    return this.#work(upload, async (ingest) => {
      await this.#write(ingest, part);
      return ingest.status.offset;
    });
  }

  /**
   * Adds the last part and makes the upload a blob, on disk when this settles. One whose bytes
   * are not those of the digest is gone.
   *
   * @throws {DigestMismatchError}
   * @throws as {@link append}
   */
  async finish(
    upload: Upload,
    { digest, part, signal }: Cancellable & { readonly digest: Digest; readonly part: UploadPart },
  ): Promise<BlobRecord> {
    try {
      const record = await this.#work(upload, async (ingest) => {
        await this.#write(ingest, part);
        await ingest.hashPieces({ signal });
        const size = ingest.status.offset;
        const provenance = "pull";
        const options = { expected: digest, size, labels: {}, provenance, owned: false } as const;
        return ingest.commit(options);
      });
      this.#forget(upload);
      return record;
    } catch (error) {
      if (error instanceof DigestMismatchError) await this.cancel(upload);
      throw error;
    }
  }

  /** Ends an upload without a blob. */
  async cancel(upload: Upload): Promise<void> {
    this.#forget(upload);
    await this.#deps.store.abortIngest(refOf(upload));
  }

  /** Ends the uploads that nobody went on with for too long. Never rejects. */
  async sweep(): Promise<void> {
    const { uploadIdleMs, logger } = this.#deps;
    for (const upload of [...this.#uploads.values()]) {
      if (upload.isBusy || this.#nowMs() - upload.touchedMs < uploadIdleMs) continue;
      const { registry, repository } = upload;
      logger.info("ended an upload that nobody went on with", { registry, repository });
      await this.cancel(upload).catch((error: unknown) => {
        logger.warn("cannot end an upload", { error });
      });
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
  }

  #find(status: IngestStatus): void {
    const upload = uploadOfRef(status.ref);
    if (!upload) return;
    const { clock, room } = this.#deps;
    const idleMs = Number((clock.now() - status.updatedAt) / 1_000_000n);
    // A clock that was set back must not keep it for longer.
    const touchedMs = this.#nowMs() - Math.max(idleMs, 0);
    this.#uploads.set(upload.id, { ...upload, touchedMs, isBusy: false });
    room.remember(status.ref, status.offset);
  }

  /** Works on an upload alone. */
  async #work<T>(upload: Upload, work: (ingest: Ingest) => Promise<T>): Promise<T> {
    const state = this.#stateOf(upload);
    if (state.isBusy) {
      const why = "Cannot write to the upload: another request does";
      throw new ApiError("BLOB_UPLOAD_INVALID", why, { status: 409 });
    }
    state.isBusy = true;
    try {
      const ingest = await this.#open(upload);
      try {
        return await work(ingest);
      } finally {
        await ingest.close();
      }
    } catch (error) {
      if (error instanceof IngestNotFoundError) throw unknownUpload();
      throw error;
    } finally {
      state.isBusy = false;
      state.touchedMs = this.#nowMs();
      // Others may have the room that was made in advance.
      if (this.#uploads.has(upload.id)) {
        this.#deps.room.remember(refOf(upload), this.#statusOf(upload)?.offset ?? 0);
      }
    }
  }

  async #open(upload: Upload): Promise<Ingest> {
    try {
      return await this.#deps.store.openIngest(refOf(upload), { total: 0 });
    } catch (error) {
      if (!(error instanceof RefLockedError)) throw error;
      // What was there before a restart is read again first.
      throw new UnavailableError("Cannot go on with the upload yet", { cause: error });
    }
  }

  async #write(ingest: Ingest, { chunks, start, length }: UploadPart): Promise<void> {
    const { ref, offset: startActual } = ingest.status;
    if (start !== undefined && start !== startActual) {
      throw new OffsetError(start, String(startActual));
    }
    // Most clients send a blob as one part: then its pieces are hashed as they come.
    if (startActual === 0 && length !== undefined && length > 0) ingest.expect(length);
    let roomEnd = startActual + (length ?? 0);
    if (length !== undefined && length > 0) await this.#hold(ref, roomEnd);
    for await (const chunk of chunks) {
      const end = ingest.status.offset + chunk.byteLength;
      if (length !== undefined && end > startActual + length) {
        throw new BlobSizeError(length, end - startActual);
      }
      if (end > roomEnd) {
        roomEnd = end + roomStepBytes;
        // Near the end of the budget what really comes may fit where a step does not.
        await this.#hold(ref, roomEnd).catch(() => this.#hold(ref, end));
      }
      await ingest.write(chunk);
    }
    const lengthActual = ingest.status.offset - startActual;
    if (length !== undefined && lengthActual !== length) {
      throw new BlobSizeError(length, lengthActual);
    }
  }

  async #hold(ref: string, bytes: number): Promise<void> {
    if (bytes > blobSizeMax) {
      const why = `Cannot take a blob of more than ${blobSizeMax} bytes`;
      throw new ApiError("SIZE_INVALID", why, { status: 413 });
    }
    await this.#deps.room.hold(ref, bytes);
  }

  #forget(upload: Upload): void {
    this.#uploads.delete(upload.id);
    this.#deps.room.release(refOf(upload));
  }

  #statusOf(upload: Upload): IngestStatus | undefined {
    try {
      return this.#deps.store.ingestStatus(refOf(upload));
    } catch (error) {
      // Nothing came yet.
      if (error instanceof IngestNotFoundError) return undefined;
      throw error;
    }
  }

  #stateOf({ id, repository }: Pick<Upload, "id" | "repository">): UploadState {
    const state = this.#uploads.get(id);
    if (state?.repository !== repository) throw unknownUpload();
    return state;
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs();
  }
}

function unknownUpload(): ApiError {
  return new ApiError("BLOB_UPLOAD_UNKNOWN", "Cannot find that upload: it ended, or never began");
}
