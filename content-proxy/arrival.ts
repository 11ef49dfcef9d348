import { type FileHandle, open } from "node:fs/promises";

import { abortable } from "../core/async/deadline.ts";
import { Notifier } from "../core/async/notifier.ts";
import { pause } from "../core/async/pause.ts";
import type { ByteRange } from "../core/byte-range.ts";
import type { Digest } from "../core/digest.ts";
import {
  BlobNotFoundError,
  DigestMismatchError,
  MetainfoError,
  SourceMovedError,
  UnavailableError,
  codeOf,
} from "../core/errors.ts";
import { isGrowing } from "../core/growing-torrent.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { BytesReceived, Download, OpenTail } from "../core/ports/swarm.ts";
import type { ArrivalDeps, WantedArrival } from "./arrival-deps.ts";
import { ArrivingBytes } from "./arriving-bytes.ts";
import { keepGivenBlob } from "./given-blob.ts";
import { goodSourceOrChange, hasGoodSourceNow, isTrusted } from "./good-sources.ts";
import { type ChosenTorrent, TorrentChoice } from "./torrent-choice.ts";

/** Pauses between the tries to get a promised blob: soon at first, then with patience. */
const retryPausesMs = [200, 500, 1000, 2000, 5000] as const;

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
  #isAhead: boolean;
  /** What arrives now; `undefined` between tries. */
  #bytes: ArrivingBytes | undefined;
  /** Bytes that came before the download under way, which finds them again. */
  #bytesKept = 0;
  #failure: unknown;
  #whole = false;
  /** What it is fetched by, and whether a seeder of this cluster named that. */
  #chosen: ChosenTorrent | undefined;

  constructor(deps: ArrivalDeps, blob: WantedArrival) {
    this.#deps = deps;
    this.digest = blob.digest;
    this.size = blob.size;
    this.#promised = blob.promised;
    this.#isAhead = blob.isAhead === true && !blob.promised;
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

  /** Bytes that the download under way was given so far, checked or not. */
  get bytesGiven(): number {
    return this.#download?.bytesGiven ?? 0;
  }

  /** What the download under way received so far. */
  get received(): BytesReceived | undefined {
    return this.#download?.received;
  }

  /** The arriving file, and how far it may be read from `offset`; `undefined` between tries. */
  locate(offset: number): { readonly fd: number; readonly availableEnd: number } | undefined {
    return this.#bytes?.locate(offset);
  }

  /**
   * Reads bytes that {@link locate} says are here, and gives how many; `undefined` when the
   * file was let go of meanwhile. It is not closed before the read ends.
   */
  async read(target: Uint8Array, position: number): Promise<number | undefined> {
    return this.#bytes?.read(target, position);
  }

  /**
   * Opens the file that {@link locate} is about for a reader of its own, who may go on when the
   * blob is in its place; `undefined` between tries, and when it is in its place already.
   */
  async open(): Promise<FileHandle | undefined> {
    return this.#bytes?.open();
  }

  /** From now on containerd relies on it. */
  promise(): void {
    this.#promised = true;
    this.hasten();
  }

  /** Somebody waits for it from now on. */
  hasten(): void {
    if (!this.#isAhead) return;
    this.#isAhead = false;
    this.#download?.hasten();
  }

  /**
   * Waits for the decision whether it can be relied on: true when it is whole or, if
   * `streamed`, when sources that have all of it are connected; false when it was given up.
   *
   * @param options `fromWhole`: a seeder that still receives it does not count, for the digest
   *   of what it passes on was checked by nobody.
   */
  async reliable({
    streamed,
    fromWhole = false,
    signal,
  }: Cancellable & { readonly streamed: boolean; readonly fromWhole?: boolean }): Promise<boolean> {
    for (;;) {
      if (this.ended) return this.#whole;
      const { trustPeers } = this.#deps;
      const isMeant =
        streamed && this.#chosen && isTrusted(this.#chosen, { trustPeers, fromWhole });
      const download = isMeant ? this.#download : undefined;
      if (await goodSourceOrChange(download, this.#changes, { signal })) return true;
    }
  }

  /** Whether sources that have all of it are connected, or it is whole. */
  async hasSource(): Promise<boolean> {
    if (this.ended || !this.#download) return this.#whole;
    return hasGoodSourceNow(this.#download, this.#stop);
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

  get #download(): Download | undefined {
    return this.#bytes?.download;
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
        } else if (!this.#mayGoOn(error)) this.#failure = error;
        else {
          const { digest, promised } = this;
          logger.warn("blob is late", { digest, promised, code: codeOf(error), attempt });
          this.#changes.notify();
          await pause(retryPausesMs[attempt] ?? retryPausesMs[4], signal).catch(() => undefined);
        }
      }
    }
    this.#changes.notify();
  }

  /** What nobody relies on is tried again only by another seeder: how often is for the choice to bound. */
  #mayGoOn(error: unknown): boolean {
    if (this.#stop.signal.aborted) return false;
    return this.#promised || error instanceof SourceMovedError;
  }

  /** One try from look-up to publication. */
  async #attempt(signal: AbortSignal): Promise<void> {
    const { store, swarm } = this.#deps;
    const promised = this.#promised;
    const choice = await this.#torrents.choose({ promised, signal });
    if ("content" in choice) {
      await this.#keep(choice.content);
      return;
    }
    const { torrent } = choice;
    this.#chosen = choice;
    const undescribed = { digest: this.digest, size: this.size };
    const { path } = await store.arrive(isGrowing(torrent) ? undescribed : torrent);
    signal.throwIfAborted();
    const file = await open(path, "r");
    try {
      const origin: OpenTail = (options) => this.#fromOrigin(options);
      const download = swarm.download({ ...choice, path, origin, isAhead: this.#isAhead });
      this.#bytes = new ArrivingBytes({ download, file, path });
      this.#changes.notify();
      await this.#finish({ download, torrent }, signal);
    } finally {
      await file.close();
    }
  }

  /** Publishes a blob that came without a download. */
  async #keep(content: Uint8Array): Promise<void> {
    const { store, onWhole, onReceived } = this.#deps;
    const record = await keepGivenBlob({ digest: this.digest, content }, store);
    this.#whole = true;
    onReceived({ peers: 0, seeders: 0, webSeeds: content.byteLength, origin: 0 });
    onWhole(record);
    this.#changes.notify();
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
      this.#bytes = undefined;
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
