import type { Digest } from "../digest.ts";
import { BlobExistsError, DataLossError } from "../errors.ts";
import { type Metainfo, createMetainfo } from "../metainfo.ts";
import type { BlobRecord, CommitOptions } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { BlobTable } from "./blob-table.ts";
import type { IngestState } from "./ingest-state.ts";

/** What {@link IngestPublication} works with. */
export interface IngestPublicationDeps {
  readonly state: IngestState;
  readonly blobs: Pick<BlobTable, "find" | "save" | "publish" | "anticipate">;
  readonly clock: Clock;
  /** Throws once the ingest is not in the store any more. */
  readonly assertOpen: () => void;
}

/** How the bytes of an ingest become a blob. Its calls are made with the digest held exclusively. */
export class IngestPublication {
  readonly #deps: IngestPublicationDeps;

  constructor(deps: IngestPublicationDeps) {
    this.#deps = deps;
  }

  /**
   * Makes the bytes a blob, or takes the one that is here.
   *
   * @throws {BlobExistsError} when it is here and owned.
   * @throws {DataLossError} when the bytes were published before, and evicted since.
   */
  async commit(digest: Digest, options: CommitOptions): Promise<BlobRecord> {
    const { state, blobs, clock, assertOpen } = this.#deps;
    assertOpen();
    const { labels, owned, provenance } = options;
    const existing = blobs.find(digest);
    if (existing?.owned === true) throw new BlobExistsError(digest);
    const now = clock.now();
    const times = { createdAt: now, updatedAt: now };
    if (existing?.whole === true) {
      return owned ? blobs.save({ ...existing, ...times, labels, owned }) : existing;
    }
    if (state.isPublished) throw new DataLossError(`Cannot commit ${digest}: it was evicted`);
    return this.#move(digest, { ...times, labels, provenance, owned });
  }

  /** What a commit would do, except that nobody is told that the blob is owned. */
  async prepare(digest: Digest): Promise<void> {
    const { state, blobs, clock, assertOpen } = this.#deps;
    assertOpen();
    const existing = blobs.find(digest);
    if (existing?.owned === true) return;
    const now = clock.now();
    const times = { createdAt: now, updatedAt: now };
    const labels = {};
    if (!existing) {
      await this.#move(digest, { ...times, labels, provenance: "pull", owned: false });
      state.isPublished = true;
    }
    const record = blobs.find(digest);
    if (record) await blobs.anticipate({ ...record, ...times, labels });
  }

  async #move(
    digest: Digest,
    rest: Pick<BlobRecord, "createdAt" | "updatedAt" | "labels" | "provenance" | "owned">,
  ): Promise<BlobRecord> {
    const { state, blobs, assertOpen } = this.#deps;
    const size = state.offset;
    const metainfo = this.#metainfo(digest, size);
    const infoHash = metainfo && { infoHash: metainfo.infoHash };
    try {
      return await blobs.publish(
        { digest, size, ...rest, whole: true, ...infoHash },
        { path: state.folder.data, metainfo, check: assertOpen },
      );
    } catch (error) {
      // It was moved before the disk failed: what is written from now on must not go there.
      if (blobs.find(digest)?.whole === true) state.isPublished = true;
      throw error;
    }
  }

  /** A size that turned out to be another one than was promised makes the piece hashes useless. */
  #metainfo(digest: Digest, size: number): Metainfo | undefined {
    const { hash, total } = this.#deps.state;
    if (size !== total || hash.size !== size) return undefined;
    const pieceHashes = hash.pieceHashes();
    return pieceHashes && createMetainfo({ digest, size, pieceHashes });
  }
}
