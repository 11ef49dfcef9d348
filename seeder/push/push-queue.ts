import { KeyedLock } from "../../core/async/keyed-lock.ts";
import { Notifier } from "../../core/async/notifier.ts";
import type { RecordFolder } from "../../core/disk/record-folder.ts";
import type { Digest } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Repository } from "../../core/ports/origin.ts";
import {
  type KeptPush,
  type ManifestPush,
  type PushRecord,
  type TagPush,
  digestsOf,
  keyOf,
  parsePush,
  pushIdOf,
  pushKeyOf,
  renderPush,
} from "./push-record.ts";

/** What {@link PushQueue} works with. */
export interface PushQueueDeps {
  readonly folder: RecordFolder;
  /** Pushes that may wait for their registries. */
  readonly pushesMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A push that waits for its registry, or is on its way there. */
export interface WaitingPush extends KeptPush {
  readonly id: string;
  readonly key: string;
  /** Failures since it was pushed, or since the start. */
  failures: number;
  /** Not tried before that time of the monotonic clock. */
  notBeforeMs: number;
  /** Why it failed last; `isRefused` when another try is not likely to do better. */
  problem: { readonly text: string; readonly isRefused: boolean } | undefined;
}

/**
 * What was pushed here and has not arrived at its registry, on disk: what is taken survives a
 * crash. Blobs that it names must not leave meanwhile.
 */
export class PushQueue {
  readonly #deps: PushQueueDeps;
  readonly #pushes = new Map<string, WaitingPush>();
  /** How many pushes name a blob. */
  readonly #held = new Map<Digest, number>();
  readonly #files = new KeyedLock<string>();
  #sequence = 0;
  /** Woken when there is something new to do. */
  readonly news = new Notifier();

  private constructor(deps: PushQueueDeps) {
    this.#deps = deps;
  }

  /** Reads what an earlier process left. */
  static async open(deps: PushQueueDeps): Promise<PushQueue> {
    const found: KeptPush[] = [];
    for await (const { name, text } of deps.folder.records()) {
      const kept = parsePush(text);
      if (kept && pushIdOf(pushKeyOf(kept.push)) === name) found.push(kept);
      else deps.logger.error("cannot read a push that waits for its registry", { push: name });
    }
    const queue = new PushQueue(deps);
    for (const kept of found.sort((one, other) => one.sequence - other.sequence)) {
      queue.#hold(kept.push);
      queue.#pushes.set(pushKeyOf(kept.push), waitingFrom(kept));
      queue.#sequence = kept.sequence + 1;
    }
    return queue;
  }

  get size(): number {
    return this.#pushes.size;
  }

  /** In the order in which they were pushed. */
  all(): Iterable<WaitingPush> {
    return this.#pushes.values();
  }

  find(id: string): WaitingPush | undefined {
    return [...this.#pushes.values()].find((waiting) => waiting.id === id);
  }

  /** Whether a push that has not arrived needs the blob. */
  holds(digest: Digest): boolean {
    return this.#held.has(digest);
  }

  /** What a tag was pushed as, while its registry does not know. */
  tag(repository: Repository, tag: string): TagPush | undefined {
    const push = this.#pushes.get(keyOf(repository, "tag", tag))?.push;
    return push?.kind === "tag" ? push : undefined;
  }

  /** Tags of a repository that its registry does not know. */
  tagsOf({ registry, repository }: Repository): string[] {
    return [...this.#pushes.values()].flatMap(({ push }) => {
      const isThere = push.registry === registry && push.repository === repository;
      return isThere && push.kind === "tag" ? [push.tag] : [];
    });
  }

  /** Tags that were pushed for a manifest. */
  tagsFor({ registry, repository, descriptor }: ManifestPush): WaitingPush[] {
    return [...this.#pushes.values()].filter(({ push }) => {
      const isThere = push.registry === registry && push.repository === repository;
      return isThere && push.kind === "tag" && push.descriptor.digest === descriptor.digest;
    });
  }

  /** Whether a blob or manifest is still to be written. */
  waits(repository: Repository, kind: "blob" | "manifest", digest: Digest): boolean {
    return this.#pushes.has(keyOf(repository, kind, digest));
  }

  /**
   * Takes pushes in: on disk when this settles. A push of the same again is tried anew; a tag
   * that waits already is for what it was pushed as last. None of them can be taken out before
   * those behind it are in: a manifest comes first, and then its tag.
   *
   * @throws {UnavailableError} when too many wait.
   * @throws {StorageFullError}
   */
  async add(...pushes: readonly PushRecord[]): Promise<void> {
    const { pushesMax, clock } = this.#deps;
    const isNew = (push: PushRecord) => !this.#pushes.has(pushKeyOf(push));
    if (this.#pushes.size + pushes.filter(isNew).length > pushesMax) {
      throw new UnavailableError(
        `Cannot take the push: ${this.#pushes.size} wait for their registries already`,
      );
    }
    const addedAtMs = Number(clock.now() / 1_000_000n);
    await this.#putAll(pushes, addedAtMs);
    this.news.notify();
  }

  /** Has a push tried now, whatever became of it before. */
  hurry(waiting: WaitingPush): void {
    waiting.failures = 0;
    waiting.notBeforeMs = 0;
    this.news.notify();
  }

  /**
   * Forgets a push: it has arrived, or somebody who may say so does not want it any more.
   * False when it was pushed anew meanwhile, or is gone already.
   *
   * @param options.unlessTagged Leaves a manifest that waiting tags name, and says false.
   */
  async remove(waiting: WaitingPush, { unlessTagged = false } = {}): Promise<boolean> {
    return this.#files.run(waiting.key, async () => {
      const { push } = waiting;
      if (this.#pushes.get(waiting.key) !== waiting) return false;
      if (unlessTagged && push.kind === "manifest" && this.tagsFor(push).length > 0) return false;
      await this.#deps.folder.remove(waiting.id);
      this.#pushes.delete(waiting.key);
      this.#release(push);
      this.news.notify();
      // A tag that came back would be set anew, over what it was moved to since.
      if (push.kind === "tag") await this.#deps.folder.sync();
      return true;
    });
  }

  /** The first keeps its lock until the last is in. */
  async #putAll([push, ...others]: readonly PushRecord[], addedAtMs: number): Promise<void> {
    if (!push) return;
    await this.#files.run(pushKeyOf(push), async () => {
      await this.#put({ sequence: this.#sequence++, addedAtMs, push });
      await this.#putAll(others, addedAtMs);
    });
  }

  async #put(kept: KeptPush): Promise<void> {
    const key = pushKeyOf(kept.push);
    const before = this.#pushes.get(key);
    if (before && isSame(before.push, kept.push)) {
      // Another one in its place: who removes the one before does not mean this.
      this.#pushes.set(key, waitingFrom(before));
      return;
    }
    // Blobs stay from here on; a push that is not on disk is none.
    this.#hold(kept.push);
    try {
      await this.#deps.folder.put(pushIdOf(key), renderPush(kept));
    } catch (error) {
      this.#release(kept.push);
      throw error;
    }
    if (before) this.#release(before.push);
    // What is set anew comes last.
    this.#pushes.delete(key);
    this.#pushes.set(key, waitingFrom(kept));
  }

  #hold(push: PushRecord): void {
    for (const digest of digestsOf(push)) {
      this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    }
  }

  #release(push: PushRecord): void {
    for (const digest of digestsOf(push)) {
      const count = (this.#held.get(digest) ?? 0) - 1;
      if (count > 0) this.#held.set(digest, count);
      else this.#held.delete(digest);
    }
  }
}

function waitingFrom({ sequence, addedAtMs, push }: KeptPush): WaitingPush {
  const key = pushKeyOf(push);
  const fresh = { failures: 0, notBeforeMs: 0, problem: undefined };
  return { ...{ sequence, addedAtMs, push }, id: pushIdOf(key), key, ...fresh };
}

/** Tags may be of something else now; the rest is what its digest says. */
function isSame(one: PushRecord, other: PushRecord): boolean {
  return one.descriptor.digest === other.descriptor.digest;
}
