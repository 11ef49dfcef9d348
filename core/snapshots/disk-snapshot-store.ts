import { DisposeStack } from "../async/dispose-stack.ts";
import { bootId } from "../disk/boot-id.ts";
import { sync } from "../disk/durable-file.ts";
import { FileSystemSync } from "../disk/file-system-sync.ts";
import { RootLock } from "../disk/root-lock.ts";
import { storageErrorFrom, storing } from "../disk/storage-error.ts";
import { FailedPreconditionError, InvalidArgumentError, SnapshotExistsError } from "../errors.ts";
import type { Labels } from "../ports/blob-store.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Clock } from "../ports/clock.ts";
import type { DiskUsage } from "../ports/layer-unpacker.ts";
import type { Logger } from "../ports/logger.ts";
import type {
  LayerDraft,
  Mount,
  PrepareOptions,
  SnapshotRecord,
  SnapshotStore,
} from "../ports/snapshot-store.ts";
import { checkFileSystem, checkRootPath } from "./check-root.ts";
import { FolderDraft } from "./folder-draft.ts";
import { mappedRoot } from "./id-mapping.ts";
import { loadSnapshots } from "./load-snapshots.ts";
import { overlayMounts } from "./overlay-mounts.ts";
import { overlayFacts, overlayOptions } from "./overlay-options.ts";
import { RemovalQueue } from "./removal-queue.ts";
import { Settling } from "./settling.ts";
import { SnapshotFolders } from "./snapshot-folders.ts";
import { SnapshotLayout } from "./snapshot-layout.ts";
import { SnapshotTable } from "./snapshot-table.ts";
import type { ContentState, StoredSnapshot } from "./stored-snapshot.ts";
import { UnsyncedSnapshots } from "./unsynced-snapshots.ts";
import { UsageCounter } from "./usage-counter.ts";

/** What a {@link DiskSnapshotStore} works with. */
export interface DiskSnapshotStoreDeps {
  /** Folder of the store, on a file system that overlayfs can use. */
  readonly root: string;
  /** Options of every overlay mount, as mount(8) has them. */
  readonly mountOptions?: readonly string[];
  /** Whether containerd was told that we map ids (capability `remap-ids`). */
  readonly remapIds?: boolean;
  /** How long the files of a committed snapshot wait to be synced. */
  readonly settleDelayMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps snapshots as folders for overlayfs, each with a small file about it. */
export class DiskSnapshotStore implements SnapshotStore {
  readonly #deps: DiskSnapshotStoreDeps;
  readonly #layout: SnapshotLayout;
  readonly #table = new SnapshotTable();
  readonly #removals: RemovalQueue;
  readonly #folders: SnapshotFolders;
  readonly #freshContent: ContentState = { synced: false, bootId: bootId() };
  readonly #usages: UsageCounter;
  readonly #unsynced: UnsyncedSnapshots;
  readonly #owned = new DisposeStack();
  #settling: Settling | undefined;

  private constructor(deps: DiskSnapshotStoreDeps) {
    this.#deps = deps;
    this.#layout = new SnapshotLayout(deps.root);
    this.#removals = new RemovalQueue(deps);
    this.#folders = new SnapshotFolders({ layout: this.#layout, removals: this.#removals });
    this.#usages = new UsageCounter(this.#folders);
    const parts = { table: this.#table, folders: this.#folders, bootId: this.#freshContent.bootId };
    this.#unsynced = new UnsyncedSnapshots(parts);
  }

  /**
   * Opens a store, indexes what is in it, and begins to delete what is left over.
   *
   * @throws {UnavailableError} when another process has it open.
   * @throws {InvalidArgumentError} when its path cannot be an option of a mount.
   * @throws {FailedPreconditionError} when overlayfs cannot use its file system.
   * @throws {StorageFullError}
   */
  static async open(
    deps: DiskSnapshotStoreDeps,
    { signal }: Cancellable,
  ): Promise<DiskSnapshotStore> {
    signal.throwIfAborted();
    checkRootPath(deps.root);
    const store = new DiskSnapshotStore(deps);
    try {
      await store.#open();
      return store;
    } catch (error) {
      return store.#owned.disposeAfter(storageErrorFrom(error));
    }
  }

  find(name: string): SnapshotRecord | undefined {
    return this.#table.find(name)?.record;
  }

  *records(): Iterable<SnapshotRecord> {
    for (const { record } of this.#table.values()) yield record;
  }

  async prepare(key: string, options: PrepareOptions): Promise<readonly Mount[]> {
    return this.#create(key, "active", options);
  }

  async view(key: string, options: PrepareOptions): Promise<readonly Mount[]> {
    return this.#create(key, "view", options);
  }

  mounts(key: string): readonly Mount[] {
    const snapshot = this.#table.get(key);
    if (snapshot.record.kind === "committed") {
      throw new FailedPreconditionError(`Cannot mount snapshot ${quote(key)}: it is committed`);
    }
    return this.#mountsOf(snapshot);
  }

  async commit(
    name: string,
    options: { readonly key: string; readonly parent?: string; readonly labels: Labels },
  ): Promise<SnapshotRecord> {
    const { key, labels } = options;
    return this.#table.exclusive([name, key], async () => {
      if (this.#table.find(name)) throw new SnapshotExistsError(name);
      const { id, record: active } = this.#table.get(key);
      if (active.kind !== "active") {
        throw new FailedPreconditionError(`Cannot commit snapshot ${quote(key)}: not active`);
      }
      if (options.parent !== undefined && options.parent !== active.parent) {
        throw new InvalidArgumentError(`Cannot commit snapshot ${quote(key)} on another parent`);
      }
      const now = this.#deps.clock.now();
      const times = { createdAt: now, updatedAt: now };
      const record: SnapshotRecord = { ...active, name, kind: "committed", ...times, labels };
      const snapshot = { id, record, content: this.#freshContent };
      const { onDisk } = await this.#folders.saveSoon(snapshot);
      this.#table.put(snapshot, { formerName: key });
      this.#settling?.add(snapshot, { after: onDisk });
      return record;
    });
  }

  async remove(name: string): Promise<void> {
    return this.#table.exclusive([name], async () => {
      const snapshot = this.#table.get(name);
      if (this.#table.hasChildren(name)) {
        throw new FailedPreconditionError(`Cannot remove snapshot ${quote(name)}: it has children`);
      }
      // Gone at once, so that nothing new is made on it.
      this.#table.delete(name);
      try {
        await this.#folders.remove(snapshot.id);
      } catch (error) {
        this.#table.put(snapshot);
        throw error;
      }
      this.#table.release(snapshot.record.parent);
    });
  }

  async label(name: string, labels: Labels): Promise<SnapshotRecord> {
    return this.#table.exclusive([name], async () => {
      const snapshot = this.#table.get(name);
      const record = { ...snapshot.record, labels, updatedAt: this.#deps.clock.now() };
      await this.#save({ ...snapshot, record });
      return record;
    });
  }

  async usage(name: string): Promise<DiskUsage> {
    const counted = this.#table.get(name);
    const usage = await this.#usages.of(counted).catch((error: unknown) => {
      // It may have been removed meanwhile.
      this.#table.get(name);
      throw error;
    });
    const snapshot = this.#table.find(name);
    const isSame = snapshot?.id === counted.id && counted.record.kind === "committed";
    if (isSame) this.#table.put({ ...snapshot, usage });
    return usage;
  }

  async cleanup(): Promise<void> {
    await this.#removals.drain();
  }

  layerPaths(name: string): readonly string[] {
    return this.#table.chain(name).map(({ id }) => this.#folders.files(id));
  }

  async createDraft(): Promise<LayerDraft> {
    const id = this.#table.takeId();
    await storing(this.#folders.createDraft(id));
    return new FolderDraft({
      ...{ id, table: this.#table, folders: this.#folders, clock: this.#deps.clock },
      content: this.#freshContent,
      onCommitted: (snapshot) => this.#settling?.add(snapshot),
    });
  }

  unsyncedAfterCrash(): Iterable<SnapshotRecord> {
    return this.#unsynced.withheld();
  }

  async releaseUnsynced(name: string): Promise<void> {
    await this.#unsynced.release(name);
  }

  isReplaceable(name: string): boolean {
    return this.#unsynced.isReplaceable(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  async #open(): Promise<void> {
    const { logger, settleDelayMs } = this.#deps;
    this.#layout.create();
    this.#owned.use(RootLock.acquire(this.#layout.lock));
    // In this folder is the lock at least.
    await checkFileSystem(this.#deps.root, this.#layout);
    await sync(this.#deps.root);
    this.#owned.use(this.#removals);
    const fileSystem = this.#owned.use(await FileSystemSync.open(this.#layout.folder));
    this.#settling = this.#owned.use(
      new Settling({
        sync: () => fileSystem.sync(),
        settle: (snapshot) => this.#settle(snapshot),
        ...(settleDelayMs !== undefined && { delayMs: settleDelayMs }),
        logger,
      }),
    );
    // Stopped first, for what is settled may wait for a count.
    this.#owned.use(this.#usages);
    loadSnapshots({ layout: this.#layout, table: this.#table, removals: this.#removals, logger });
    for (const snapshot of this.#table.values()) {
      if (this.#unsynced.isUnsettled(snapshot)) this.#settling.add(snapshot);
    }
  }

  async #create(
    key: string,
    kind: "active" | "view",
    { parent, labels }: PrepareOptions,
  ): Promise<readonly Mount[]> {
    return this.#table.exclusive([key], async () => {
      this.#table.hold(parent);
      try {
        if (this.#table.find(key)) throw new SnapshotExistsError(key);
        const [nearest] = this.#table.chain(parent);
        const owner = mappedRoot(labels) ?? (nearest && (await this.#folders.ownerOf(nearest.id)));
        const now = this.#deps.clock.now();
        const times = { createdAt: now, updatedAt: now };
        const name = { name: key, ...(parent !== undefined && { parent }) };
        const record = { ...name, kind, ...times, labels };
        const snapshot = { id: this.#table.takeId(), record };
        await this.#folders.create(snapshot, owner);
        this.#table.put(snapshot);
        return this.#mountsOf(snapshot);
      } catch (error) {
        this.#table.release(parent);
        throw error;
      }
    });
  }

  #mountsOf(snapshot: StoredSnapshot): readonly Mount[] {
    const { mountOptions = [], remapIds = false } = this.#deps;
    return overlayMounts(snapshot, {
      parents: this.#table.chain(snapshot.record.parent),
      folders: this.#folders,
      overlayOptions: overlayOptions(mountOptions, overlayFacts(this.#layout.folder)),
      remapIds,
    });
  }

  /** Notes that the files of a committed snapshot are on disk, and what they take. */
  async #settle({ id, record: { name } }: StoredSnapshot): Promise<void> {
    const found = this.#table.find(name);
    if (found?.id !== id) return;
    const usage = await this.#usages.of(found).catch(() => undefined);
    await this.#table.exclusive([name], async () => {
      const snapshot = this.#table.find(name);
      if (snapshot?.id !== id) return;
      const isOurs = snapshot.content?.bootId === this.#freshContent.bootId;
      const content = isOurs ? { content: { ...snapshot.content, synced: true } } : {};
      await this.#save({ ...snapshot, ...(usage && { usage }), ...content });
    });
  }

  async #save(snapshot: StoredSnapshot): Promise<void> {
    await this.#folders.save(snapshot);
    this.#table.put(snapshot);
  }
}

function quote(name: string): string {
  return JSON.stringify(name);
}
