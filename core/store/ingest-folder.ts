import { readFileSync, statSync } from "node:fs";
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { type DetachedFile, detachFile } from "../disk/detached-file.ts";
import { replaceFile } from "../disk/durable-file.ts";
import { formatRfc3339, parseRfc3339 } from "./rfc3339.ts";

/** What is kept of an ingest on disk, beside its bytes. */
export interface StoredIngest {
  readonly ref: string;
  /** Bytes in the data file. */
  readonly offset: number;
  /** 0 when not known. */
  readonly total: number;
  readonly startedAt: bigint;
  readonly updatedAt: bigint;
}

/**
 * The folder of an ingest, as containerd's local store has it: `ref`, `startedat`,
 * `updatedat`, `total` (only if known) and `data`.
 *
 * It is made when the first bytes come. containerd opens an ingest inside the lock of its
 * database, and most never see a byte, for the blob comes from the swarm.
 *
 * @see containerd plugins/content/local/writer.go, store.go
 */
export class IngestFolder {
  readonly path: string;
  /** The bytes so far. */
  readonly data: string;
  #isStored: boolean;
  /** What was begun with the folder, also by an ingest of the same ref before this one. */
  #last: Promise<void>;

  constructor(
    path: string,
    { isStored, after }: { readonly isStored: boolean; readonly after: Promise<void> | undefined },
  ) {
    this.path = path;
    this.data = join(path, "data");
    this.#isStored = isStored;
    this.#last = after ?? Promise.resolve();
  }

  get isStored(): boolean {
    return this.#isStored;
  }

  /** Makes the folder if there is none yet; what a dead process left in its place is gone. */
  async create(ingest: Omit<StoredIngest, "offset">): Promise<void> {
    return this.#next(async () => {
      if (this.#isStored) return;
      await rm(this.path, { recursive: true, force: true });
      await mkdir(this.path);
      const written = await Promise.allSettled([
        writeFile(join(this.path, "ref"), ingest.ref),
        writeFile(join(this.path, "startedat"), formatRfc3339(ingest.startedAt)),
        writeFile(join(this.path, "updatedat"), formatRfc3339(ingest.updatedAt)),
        writeFile(this.data, "", { flag: "wx" }),
        ...(ingest.total > 0 ? [writeFile(join(this.path, "total"), String(ingest.total))] : []),
      ]);
      const failed = written.find(({ status }) => status === "rejected");
      if (failed) await rm(this.path, { recursive: true, force: true });
      if (failed?.status === "rejected") throw failed.reason;
      this.#isStored = true;
    });
  }

  /** Notes the total of an ingest whose folder is there; {@link create} writes it by itself. */
  async writeTotal(total: number): Promise<void> {
    return this.#next(async () => {
      if (this.#isStored) await writeFile(join(this.path, "total"), String(total));
    });
  }

  /**
   * Notes when bytes last came. The data file's time is set as well, since the later of
   * the two counts for {@link read}, as for containerd.
   */
  async writeUpdatedAt(updatedAt: bigint): Promise<void> {
    return this.#next(async () => {
      if (!this.#isStored) return;
      const path = join(this.path, "updatedat");
      await replaceFile(path, formatRfc3339(updatedAt), { durable: false });
      const seconds = Number(updatedAt / 1_000_000n) / 1000;
      await utimes(this.data, seconds, seconds);
    });
  }

  /** What an earlier process left; `undefined` when it cannot be resumed. */
  read(): StoredIngest | undefined {
    try {
      const data = statSync(this.data, { bigint: true });
      const startedAt = parseRfc3339(readFileSync(join(this.path, "startedat"), "utf8"));
      const written = parseRfc3339(readFileSync(join(this.path, "updatedat"), "utf8"));
      if (startedAt === undefined || written === undefined || !data.isFile()) return undefined;
      // The file is only written when the ingest is closed, which a killed process did not do.
      const updatedAt = data.mtimeNs > written ? data.mtimeNs : written;
      const ref = readFileSync(join(this.path, "ref"), "utf8");
      return { ref, offset: Number(data.size), total: this.#readTotal(), startedAt, updatedAt };
    } catch {
      return undefined;
    }
  }

  /**
   * Deletes it, if it is there.
   *
   * @returns The bytes, whose space takes its time to be free: containerd aborts inside its
   *   database lock.
   */
  async remove(): Promise<DetachedFile | undefined> {
    let data: DetachedFile | undefined;
    await this.#next(async () => {
      if (!this.#isStored) return;
      // What is in its place and no file goes with the folder.
      data = await detachFile(this.data).catch(() => undefined);
      try {
        await rm(this.path, { recursive: true, force: true });
      } catch (error) {
        await data?.free();
        throw error;
      }
      this.#isStored = false;
    });
    return data;
  }

  async #next(work: () => Promise<void>): Promise<void> {
    const next = this.#last.then(work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  #readTotal(): number {
    try {
      const total = Number(readFileSync(join(this.path, "total"), "utf8"));
      return Number.isSafeInteger(total) && total > 0 ? total : 0;
    } catch {
      return 0;
    }
  }
}
