import { codeOf } from "../errors.ts";
import type { BlobManager, BlobReader, BlobRecord, DiskSpace } from "../ports/blob-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { Offering } from "./offering.ts";

/**
 * Kept free of a disk that others use as well, by letting cached blobs go: this, or of a small disk
 * a part. Enough for what containerd writes beside our blobs until somebody looks again.
 */
const reserveBytesMax = 1024 ** 3;
const reservePart = 1 / 20;

/** Which blobs may leave, and in which order. */
export interface EvictionRule {
  /** Bytes that evictable blobs may take. */
  readonly budgetBytes: number;
  /** Nanoseconds since the epoch; the smallest leaves first. */
  lastUseOf(record: BlobRecord): bigint;
  /** Whether it must stay: pinned, or being read. */
  isKept(record: BlobRecord): boolean;
}

/** What {@link CacheBudget} works with. */
export interface CacheBudgetDeps {
  readonly store: Pick<BlobReader, "find" | "records"> & Pick<BlobManager, "evict">;
  readonly offering: Pick<Offering, "add" | "withdraw">;
  readonly logger: Logger;
  readonly rule: EvictionRule;
  /** Given: blobs leave for the disk's sake as well, before it is full. */
  readonly space?: (() => Promise<DiskSpace>) | undefined;
}

/**
 * Keeps the blobs that can be had again within a budget of bytes: the least recently
 * used leave first. What containerd owns is never touched.
 */
export class CacheBudget {
  readonly #deps: CacheBudgetDeps;
  #running: Promise<number> = Promise.resolve(0);

  constructor(deps: CacheBudgetDeps) {
    this.#deps = deps;
  }

  /**
   * Deletes what is over the budget less `reservedBytes`, for blobs that are about to
   * come, and gives the bytes that are still over it because they may not leave. The budget is
   * smaller where the disk has less. Runs one after the other; never rejects.
   */
  async enforce(reservedBytes = 0): Promise<number> {
    this.#running = this.#running.then(() => this.#evict(reservedBytes));
    return this.#running;
  }

  async #evict(reservedBytes: number): Promise<number> {
    const { store, offering, logger } = this.#deps;
    const rule = { ...this.#deps.rule, budgetBytes: await this.#budgetBytes() };
    for (const { digest, size } of overBudget(store.records(), rule, reservedBytes)) {
      // Those before it took their time: a pull may have come back to this one.
      const record = store.find(digest);
      if (!record || !isCached(record) || rule.isKept(record)) continue;
      try {
        offering.withdraw(digest);
        if (await store.evict(digest))
          logger.info("evicted a cached blob", { digest, bytes: size });
        else offering.add(store.find(digest) ?? record);
      } catch (error) {
        logger.warn("cannot evict a blob", { digest, code: codeOf(error) });
      }
    }
    const excessBytes = this.#cachedBytes() + reservedBytes - (await this.#budgetBytes());
    return Math.max(0, excessBytes);
  }

  /** What cached blobs may take now, of the budget and of the disk. */
  async #budgetBytes(): Promise<number> {
    const { rule, space, logger } = this.#deps;
    try {
      const disk = await space?.();
      if (!disk) return rule.budgetBytes;
      const reserveBytes = Math.min(reserveBytesMax, disk.totalBytes * reservePart);
      return Math.min(rule.budgetBytes, this.#cachedBytes() + disk.freeBytes - reserveBytes);
    } catch (error) {
      logger.warn("cannot tell how full the disk is", { code: codeOf(error) });
      return rule.budgetBytes;
    }
  }

  #cachedBytes(): number {
    return lengthOf([...this.#deps.store.records()].filter(isCached));
  }
}

/** Which cached blobs must go so that the others and `reservedBytes` fit in the budget. */
export function overBudget(
  records: Iterable<BlobRecord>,
  rule: EvictionRule,
  reservedBytes = 0,
): BlobRecord[] {
  const cached = [...records].filter(isCached);
  let excessBytes = lengthOf(cached) + reservedBytes - rule.budgetBytes;
  if (excessBytes <= 0) return [];
  const candidates = cached.filter((record) => !rule.isKept(record));
  candidates.sort((one, other) => Number(rule.lastUseOf(one) - rule.lastUseOf(other)));
  const evicted: BlobRecord[] = [];
  for (const record of candidates) {
    if (excessBytes <= 0) break;
    evicted.push(record);
    excessBytes -= record.size;
  }
  return evicted;
}

function isCached({ owned, whole }: BlobRecord): boolean {
  return !owned && whole;
}

function lengthOf(records: readonly BlobRecord[]): number {
  return records.reduce((sum, { size }) => sum + size, 0);
}
