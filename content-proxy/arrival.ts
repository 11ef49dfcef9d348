import { type FileHandle, open } from "node:fs/promises";

import { abortable, createDeadline } from "../core/async/deadline.ts";
import { Notifier } from "../core/async/notifier.ts";
import { pause } from "../core/async/pause.ts";
import type { ByteRange } from "../core/byte-range.ts";
import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import {
  BlobNotFoundError,
  DigestMismatchError,
  MetainfoError,
  UnavailableError,
  codeOf,
} from "../core/errors.ts";
import { isGrowing } from "../core/growing-torrent.ts";
import type { BlobArrivals, BlobReader, BlobRecord } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { BytesReceived, Download, OpenTail, Swarm } from "../core/ports/swarm.ts";
import type { LastResort } from "./last-resort.ts";
import { type ChosenTorrent, TorrentChoice, type TorrentChoiceDeps } from "./torrent-choice.ts";

/** Pauses between the tries to get a promised blob: soon at first, then with patience. */
const retryPausesMs = [200, 500, 1000, 2000, 5000] as const;

/** How long a download may take to tell whether it has sources: it knows, or it has none. */
const sourceTimeoutMs = 100;

/** What an {@link Arrival} works with. */
export interface ArrivalDeps extends TorrentChoiceDeps {
  readonly store: BlobArrivals & Pick<BlobReader, "metainfo" | "find">;
  readonly swarm: Pick<Swarm, "download">;
  /** Where promised blobs come from that nobody gives; `undefined`: they wait. */
  readonly lastResort?: Pick<LastResort, "read" | "describe"> | undefined;
  readonly logger: Logger;
  /** Whether blobs may be relied on before they are whole that no seeder vouches for. */
  readonly trustPeers: boolean;
  /** Told once the blob is whole and in its place, before the download's peers are let go. */
  readonly onWhole: (record: BlobRecord) => void;
  /** Told what a download received, when it has ended. */
  readonly onReceived: (received: BytesReceived) => void;
}

/**
 * One blob on its way from the swarm to its place in the store.
 *
 * Until it is promised to containerd the first failure ends it. Afterwards containerd
 * relies on it, so it is tried again, from other sources and by other metainfo, until
 * it is here or containerd deletes it.
 */
export class Arrival implements AsyncDisposable {
  readonly digest: Digest;
  readonly size: number;
  readonly #deps: ArrivalDeps;
  readonly #stop = new AbortController();
  readonly #changes = new Notifier();
  readonly #run: Promise<void>;
  readonly #torrents: TorrentChoice;
  #promised: boolean;
  #download: Download | undefined;
  #path: string | undefined;
  #file: FileHandle | undefined;
  /** Bytes that came before the download under way, which finds them again. */
  #bytesKept = 0;
  #failure: unknown;
  #whole = false;
  /** A seeder of this cluster, which has checked the blob, named the torrent. */
  #isVouchedFor = false;

  constructor(
    deps: ArrivalDeps,
    blob: {
      readonly digest: Digest;
      readonly size: number;
      readonly promised: boolean;
      readonly authorization?: Credential | undefined;
      /** What must be over before: an earlier arrival of the same blob works on the same file. */
      readonly after?: Promise<void> | undefined;
    },
  ) {
    this.#deps = deps;
    this.digest = blob.digest;
    this.size = blob.size;
    this.#promised = blob.promised;
    this.#torrents = new TorrentChoice(deps, blob);
    this.#run = this.#arrive(blob.after);
  }

  /** Ended: whole, or given up. */
  get ended(): boolean {
    return this.#whole || this.#failure !== undefined;
  }

  /** Why it was given up; `undefined` while it was not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** containerd relies on it. */
  get promised(): boolean {
    return this.#promised;
  }

  /** Bytes here so far. */
  get bytesDone(): number {
    return this.#whole ? this.size : Math.max(this.#bytesKept, this.#download?.bytesDone ?? 0);
  }

  /** What the download under way received so far. */
  get received(): BytesReceived | undefined {
    return this.#download?.received;
  }

  /** The arriving file, and how far it may be read from `offset`; `undefined` between tries. */
  locate(offset: number): { readonly fd: number; readonly availableEnd: number } | undefined {
    if (!this.#file || !this.#download) return undefined;
    return { fd: this.#file.fd, availableEnd: this.#download.availableEnd(offset) };
  }

  /**
   * Reads bytes that {@link locate} says are here, and gives how many; `undefined` when the
   * file was let go of meanwhile. It is not closed before the read ends.
   */
  async read(target: Uint8Array, position: number): Promise<number | undefined> {
    const result = await this.#file?.read(target, 0, target.byteLength, position);
    return result?.bytesRead;
  }

  /**
   * Opens the file that {@link locate} is about for a reader of its own, who may go on when the
   * blob is in its place; `undefined` between tries, and when it is in its place already.
   */
  async open(): Promise<FileHandle | undefined> {
    if (this.#path === undefined) return undefined;
    return open(this.#path, "r").catch(() => undefined);
  }

  /** From now on containerd relies on it. */
  promise(): void {
    this.#promised = true;
  }

  /**
   * Waits for the decision whether it can be relied on: true when it is whole or, if
   * `streamed`, when sources that have all of it are connected; false when it was given up.
   */
  async reliable({
    streamed,
    signal,
  }: Cancellable & { readonly streamed: boolean }): Promise<boolean> {
    for (;;) {
      if (this.ended) return this.#whole;
      const waiting = createDeadline(signal);
      try {
        const changed = this.#changes.changed(waiting.signal);
        const isTrusted = this.#isVouchedFor || this.#deps.trustPeers;
        const download = streamed && isTrusted ? this.#download : undefined;
        const good = download?.hasGoodSource(waiting).catch(() => false);
        if (good && (await Promise.race([good, changed.then(() => false)]))) return true;
        await changed;
      } finally {
        waiting.abort();
        waiting[Symbol.dispose]();
      }
    }
  }

  /** Whether sources that have all of it are connected, or it is whole. */
  async hasSource(): Promise<boolean> {
    if (this.ended || !this.#download) return this.#whole;
    const deadline = createDeadline(this.#stop.signal, sourceTimeoutMs);
    try {
      return await abortable(this.#download.hasGoodSource(deadline), deadline.signal);
    } catch {
      return false;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  /**
   * Waits until bytes of the range can be had from {@link locate} or the blob is whole,
   * and lets them come before others.
   *
   * @throws {UnavailableError} when the blob was given up.
   */
  async ready(range: ByteRange, { signal }: Cancellable): Promise<void> {
    for (;;) {
      if (this.#whole) return;
      if (this.#failure !== undefined)
        throw new UnavailableError(`Cannot get blob ${this.digest}`, { cause: this.#failure });
      const download = this.#download;
      try {
        if (download) {
          await download.ready(range, { signal });
          return;
        }
      } catch {
        signal.throwIfAborted();
      }
      if (this.#download === download && !this.ended) await this.#changes.changed(signal);
    }
  }

  /** Resolves when it has ended, well or not. */
  async settled(): Promise<void> {
    await this.#run;
  }

  /** Stops the download; what came so far stays in the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The download was stopped", "AbortError"));
    await this.#run;
  }

  async #arrive(after: Promise<void> | undefined): Promise<void> {
    const { logger, store } = this.#deps;
    const signal = this.#stop.signal;
    await after;
    for (let attempt = 0; !this.ended; attempt++) {
      try {
        await this.#attempt(signal);
      } catch (error) {
        // containerd may have been faster, and have written it itself.
        this.#whole ||= store.find(this.digest)?.whole === true;
        if (this.#whole) {
          logger.debug("download of a whole blob failed", { digest: this.digest, error });
        } else if (!this.#promised || signal.aborted) this.#failure = error;
        else {
          logger.warn("promised blob is late", {
            digest: this.digest,
            code: codeOf(error),
            attempt,
          });
          this.#changes.notify();
          await pause(retryPausesMs[attempt] ?? retryPausesMs[4], signal).catch(() => undefined);
        }
      }
    }
    this.#changes.notify();
  }

  /** One try from look-up to publication. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const { store, swarm } = this.#deps;
    const promised = this.#promised;
    const { isVouchedFor, ...chosen } = await this.#torrents.choose({ promised, signal });
    const { torrent } = chosen;
    this.#isVouchedFor = isVouchedFor;
    const undescribed = { digest: this.digest, size: this.size };
    const { path } = await store.arrive(isGrowing(torrent) ? undescribed : torrent);
    signal.throwIfAborted();
    const file = await open(path, "r");
    try {
      const origin: OpenTail = (options) => this.#fromOrigin(options);
      const download = swarm.download({ ...chosen, path, origin });
      this.#path = path;
      this.#file = file;
      this.#download = download;
      this.#changes.notify();
      await this.#finish({ download, torrent }, signal);
    } finally {
      await file.close();
    }
  }

  /** Waits for a download, and publishes the blob. Whoever waits for it need not wait for more. */
  async #finish(
    {
      download,
      torrent,
    }: { readonly download: Download; readonly torrent: ChosenTorrent["torrent"] },
    signal: AbortSignal,
  ): Promise<void> {
    const { store, onWhole, onReceived } = this.#deps;
    try {
      await abortable(download.whole(), signal);
      const record = await store.arrived(this.digest, download.metainfo);
      this.#whole = true;
      onWhole(record);
    } catch (error) {
      const isWrong = error instanceof DigestMismatchError || error instanceof MetainfoError;
      this.#bytesKept = isWrong ? 0 : download.bytesDone;
      if (isWrong) this.#torrents.refuse(torrent);
      throw error;
    } finally {
      this.#path = undefined;
      this.#file = undefined;
      this.#download = undefined;
      this.#changes.notify();
      onReceived(download.received);
      await download[Symbol.asyncDispose]();
    }
  }

  /** For a download that nobody gives anything. What it was not promised containerd fetches itself. */
  async *#fromOrigin(
    options: Cancellable & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    const { lastResort } = this.#deps;
    if (!this.#promised || !lastResort) throw new BlobNotFoundError(this.digest);
    yield* lastResort.read({ digest: this.digest, size: this.size }, options);
  }
}
