import type { ByteRange } from "../byte-range.ts";
import { isGrowing } from "../growing-torrent.ts";
import type { Metainfo } from "../metainfo.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type {
  BytesReceived,
  Download,
  GrowingBlob,
  GrowingSeed,
  SeededBlob,
  Swarm,
  SwarmStatus,
  WantedBlob,
} from "../ports/swarm.ts";

/** A swarm whose downloads do what a test tells them. */
export class ScriptedSwarm implements Swarm {
  readonly port = 1;
  readonly uploadedBytes = 0;
  readonly refusals = { given: 0, met: 0 };
  readonly downloads: ScriptedDownload[] = [];
  readonly seeded = new Set<SeededBlob>();
  readonly growing = new Set<ScriptedGrowingSeed>();
  /** Called with each download that starts. */
  onDownload: (download: ScriptedDownload) => void = () => undefined;

  seed(blob: SeededBlob): AsyncDisposable {
    this.seeded.add(blob);
    return { [Symbol.asyncDispose]: async () => void this.seeded.delete(blob) };
  }

  seedGrowing(blob: GrowingBlob): GrowingSeed {
    const seed = new ScriptedGrowingSeed(blob, () => this.growing.delete(seed));
    this.growing.add(seed);
    return seed;
  }

  download(wanted: WantedBlob): ScriptedDownload {
    const download = new ScriptedDownload(wanted);
    this.downloads.push(download);
    this.onDownload(download);
    return download;
  }

  status(): readonly SwarmStatus[] {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.downloads.map((download) => download[Symbol.asyncDispose]()));
  }
}

/** A blob that is offered while it grows, and what was told of it. */
export class ScriptedGrowingSeed implements GrowingSeed {
  readonly blob: GrowingBlob;
  readonly #onDispose: () => void;
  /** Hashes of the pieces that are offered, 20 bytes each. */
  pieceHashes = Buffer.alloc(0);

  constructor(blob: GrowingBlob, onDispose: () => void) {
    this.blob = blob;
    this.#onDispose = onDispose;
  }

  grow(pieceHashes: Uint8Array): void {
    this.pieceHashes = Buffer.concat([this.pieceHashes, pieceHashes]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#onDispose();
  }
}

/** A download that has the bytes it was given, and ends as it is told. */
export class ScriptedDownload implements Download {
  readonly wanted: WantedBlob;
  readonly received: BytesReceived = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
  /** Ranges that readers waited for. */
  readonly hurried: ByteRange[] = [];
  /** Somebody waits for it. */
  isHastened = false;
  disposed = false;
  bytesDone = 0;
  bytesGiven = 0;
  metainfo: Metainfo | undefined;
  readonly #good = Promise.withResolvers<boolean>();
  readonly #whole = Promise.withResolvers<undefined>();
  #ready = Promise.withResolvers<undefined>();

  constructor(wanted: WantedBlob) {
    this.wanted = wanted;
    if (!isGrowing(wanted.torrent)) this.metainfo = wanted.torrent;
    this.#whole.promise.catch(() => undefined);
  }

  /** Bytes up to here are checked from now on. */
  advance(end: number): void {
    this.bytesDone = end;
    this.#ready.resolve(undefined);
    this.#ready = Promise.withResolvers();
  }

  /** Whether sources hold all of it. */
  sources(good: boolean): void {
    this.#good.resolve(good);
  }

  /** All is here; `metainfo` is what was found of a growing torrent. */
  finish(metainfo = this.metainfo): void {
    this.metainfo = metainfo;
    this.advance(this.wanted.torrent.layout.size);
    this.#whole.resolve(undefined);
  }

  fail(error: Error): void {
    this.#whole.reject(error);
    this.#ready.reject(error);
    this.#ready.promise.catch(() => undefined);
  }

  availableEnd(offset: number): number {
    return Math.max(offset, this.bytesDone);
  }

  async ready(range: ByteRange, { signal }: Cancellable): Promise<void> {
    this.hurried.push(range);
    signal.throwIfAborted();
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
    );
    // Nobody waits for it where the bytes are here.
    aborted.catch(() => undefined);
    while (this.bytesDone < range.end) await Promise.race([this.#ready.promise, aborted]);
  }

  hasten(): void {
    this.isHastened = true;
  }

  async hasGoodSource(): Promise<boolean> {
    return this.#good.promise;
  }

  async whole(): Promise<void> {
    await this.#whole.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
    this.#good.resolve(false);
    this.fail(new DOMException("The download was stopped", "AbortError"));
  }
}
