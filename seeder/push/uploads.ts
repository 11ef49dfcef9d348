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
import { holdAhead } from "../hold-ahead.ts";
import { type Upload, refOf, uploadOfRef } from "./upload.ts";

/** What {@link Uploads} works with. */
export interface UploadsDeps {
  readonly store: Pick<BlobWriter, "openIngest" | "abortIngest" | "ingestStatus" | "ingests">;
  readonly room: Pick<BlobRoom, "check" | "hold" | "remember" | "release">;
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

/**
 * What a part must come at on the whole once it has taken so long: slower than any line that
 * images are pushed over, but a client cannot keep one of the few uploads for ever.
 */
const bytesPerSecondMin = 4096;
const slowPartMs = 600_000;

/** Wait for the first byte, in milliseconds: who only begins uploads must not have all places. */
const firstByteTimeoutMs = 120_000;

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
    // From the first byte on it is nothing that may leave for others.
    this.#deps.room.remember(refOf(upload), 0);
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
      if (upload.isBusy) continue;
      const isEmpty = (this.#statusOf(upload)?.offset ?? 0) === 0;
      const idleMaxMs = isEmpty ? Math.min(firstByteTimeoutMs, uploadIdleMs) : uploadIdleMs;
      if (this.#nowMs() - upload.touchedMs < idleMaxMs) continue;
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
      const { room } = this.#deps;
      // Others may have the room that was made in advance; all of it, if it ended meanwhile.
      if (this.#uploads.has(upload.id)) {
        room.remember(refOf(upload), this.#statusOf(upload)?.offset ?? 0);
      } else room.release(refOf(upload));
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
    const endTold = length === undefined ? Infinity : startActual + length;
    if (length !== undefined) this.#check(endTold);
    const startedMs = this.#nowMs();
    let roomEnd = 0;
    for await (const chunk of chunks) {
      const end = ingest.status.offset + chunk.byteLength;
      if (length !== undefined && end > endTold) throw new BlobSizeError(length, end - startActual);
      this.#checkRate(end - startActual, startedMs);
      if (end > roomEnd) {
        this.#check(end);
        roomEnd = await holdAhead(this.#deps.room, { ref, end, endTold });
      }
      await ingest.write(chunk);
    }
    const lengthActual = ingest.status.offset - startActual;
    if (length !== undefined && lengthActual !== length) {
      throw new BlobSizeError(length, lengthActual);
    }
  }

  /** @throws when so many bytes can never be here. */
  #check(bytes: number): void {
    if (bytes > blobSizeMax) {
      const why = `Cannot take a blob of more than ${blobSizeMax} bytes`;
      throw new ApiError("SIZE_INVALID", why, { status: 413 });
    }
    this.#deps.room.check(bytes, "the upload");
  }

  #checkRate(bytes: number, startedMs: number): void {
    const tookMs = this.#nowMs() - startedMs;
    if (tookMs < slowPartMs || bytes >= (tookMs / 1000) * bytesPerSecondMin) return;
    const why = `Cannot wait for the upload: it comes at less than ${bytesPerSecondMin} bytes/s`;
    throw new ApiError("BLOB_UPLOAD_INVALID", why, { status: 408 });
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
