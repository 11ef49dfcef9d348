import { open, rm, statfs } from "node:fs/promises";

import type { Digest } from "../digest.ts";
import { BlobExistsError, BlobNotFoundError, BlobSizeError, StorageFullError } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Metainfo } from "../metainfo.ts";
import type { ArrivingFile, BlobRecord, UndescribedBlob } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import { detachFile } from "../disk/detached-file.ts";
import type { BlobTable } from "./blob-table.ts";
import type { StoreLayout } from "./store-layout.ts";

/** What there is of a blob that arrives. */
interface Arriving {
  readonly size: number;
  /** `undefined` while its metainfo is not known. */
  readonly infoHash?: InfoHash;
}

/** The files that the swarm fills. */
export class ArrivingTable {
  readonly #layout: StoreLayout;
  readonly #blobs: BlobTable;
  readonly #clock: Clock;
  readonly #arriving = new Map<Digest, Arriving>();

  constructor(layout: StoreLayout, blobs: BlobTable, clock: Clock) {
    this.#layout = layout;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  /** Takes a file that an earlier process left. */
  adopt(blob: Metainfo | UndescribedBlob): void {
    this.#arriving.set(blob.digest, arrivingOf(blob));
  }

  *digests(): Iterable<Digest> {
    const promised = [...this.#blobs.values()].filter((record) => !record.whole);
    yield* new Set([...this.#arriving.keys(), ...promised.map(({ digest }) => digest)]);
  }

  /** @throws {StorageFullError} and {BlobExistsError} */
  async arrive(blob: Metainfo | UndescribedBlob): Promise<ArrivingFile> {
    const { digest } = blob;
    const arriving = arrivingOf(blob);
    const { size, infoHash } = arriving;
    return this.#blobs.exclusive(digest, async () => {
      const record = this.#blobs.find(digest);
      if (record?.whole === true) throw new BlobExistsError(digest);
      if (record && record.size !== size) throw new BlobSizeError(record.size, size);
      const path = this.#layout.arriving(digest);
      try {
        await createSparse(path, size);
        if ("layout" in blob) await this.#blobs.writeMetainfo(blob);
      } catch (error) {
        if (!this.#arriving.has(digest)) await rm(path, { force: true });
        throw error;
      }
      this.#arriving.set(digest, arriving);
      if (record && infoHash !== undefined && record.infoHash !== infoHash) {
        await this.#blobs.save({ ...record, infoHash });
      }
      return { digest, path };
    });
  }

  /** @throws {BlobExistsError}, {BlobNotFoundError} when it is not arriving, {BlobSizeError} */
  async promise(digest: Digest, size: number): Promise<BlobRecord> {
    return this.#blobs.exclusive(digest, async () => {
      if (this.#blobs.find(digest)?.owned === true) throw new BlobExistsError(digest);
      const record = this.#promised(digest);
      if (!record) throw new BlobNotFoundError(digest);
      if (record.size !== size) throw new BlobSizeError(size, record.size);
      return this.#blobs.save(record);
    });
  }

  async unpromise(digest: Digest): Promise<void> {
    return this.#blobs.exclusive(digest, async () => {
      if (this.#blobs.find(digest)?.whole === false) await this.#blobs.removeRecord(digest);
    });
  }

  /** Gets ready for a blob to be owned that is here or arrives. */
  async anticipate(digest: Digest): Promise<void> {
    return this.#blobs.exclusive(digest, async () => {
      const record = this.#promised(digest);
      if (record && this.#blobs.find(digest)?.owned !== true) await this.#blobs.anticipate(record);
    });
  }

  /** @throws {BlobNotFoundError} when it is not arriving, {BlobSizeError} */
  async arrived(digest: Digest, metainfo?: Metainfo): Promise<BlobRecord> {
    return this.#blobs.exclusive(digest, async () => {
      const record = this.#blobs.find(digest);
      const path = this.#layout.arriving(digest);
      if (record?.whole === true) {
        // containerd was faster and wrote it itself.
        await rm(path, { force: true });
        this.#arriving.delete(digest);
        return record;
      }
      const arriving = this.#arriving.get(digest);
      if (!arriving) throw new BlobNotFoundError(digest);
      const now = this.#clock.now();
      const { size, infoHash } = metainfo ? arrivingOf(metainfo) : arriving;
      if (size !== arriving.size) throw new BlobSizeError(arriving.size, size);
      const whole: BlobRecord = {
        digest,
        size,
        createdAt: record?.createdAt ?? now,
        updatedAt: now,
        labels: record?.labels ?? {},
        provenance: "pull",
        owned: record?.owned ?? false,
        whole: true,
        ...(infoHash !== undefined && { infoHash }),
      };
      try {
        return await this.#blobs.publish(whole, { path, metainfo });
      } finally {
        if (this.#blobs.find(digest)?.whole === true) this.#arriving.delete(digest);
      }
    });
  }

  async discard(digest: Digest): Promise<void> {
    return this.#blobs.exclusive(digest, async () => {
      this.#arriving.delete(digest);
      this.#blobs.freeLater(await detachFile(this.#layout.arriving(digest)));
      if (this.#blobs.find(digest)?.whole === true) return;
      this.#blobs.freeLater(await this.#blobs.remove(digest));
    });
  }

  /** What the record of a blob will be if it is owned from now on. */
  #promised(digest: Digest): BlobRecord | undefined {
    const now = this.#clock.now();
    const promised = { createdAt: now, updatedAt: now, labels: {}, owned: true };
    const record = this.#blobs.find(digest);
    if (record) return { ...record, ...promised };
    const arriving = this.#arriving.get(digest);
    return arriving && { digest, ...arriving, ...promised, provenance: "pull", whole: false };
  }
}

function arrivingOf(blob: Metainfo | UndescribedBlob): Arriving {
  if (!("layout" in blob)) return { size: blob.size };
  return { size: blob.layout.size, infoHash: blob.infoHash };
}

/**
 * Makes the file, or gives the one that is there its size. Sees that the disk has room for
 * what is missing of it. Room is not taken: two that arrive at once may both be let in,
 * and the disk may be full later nevertheless.
 *
 * @throws {StorageFullError}
 */
async function createSparse(path: string, size: number): Promise<void> {
  const file = await open(path, "a");
  try {
    const [{ bavail, bsize }, { blocks }] = await Promise.all([statfs(path), file.stat()]);
    if (size - blocks * 512 > bavail * bsize) {
      throw new StorageFullError(`Cannot take a blob of ${size} bytes: the disk is full`);
    }
    await file.truncate(size);
  } finally {
    await file.close();
  }
}
