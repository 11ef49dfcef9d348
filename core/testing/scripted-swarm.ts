import type { ByteRange } from "../byte-range.ts";
import type { Metainfo } from "../metainfo.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type {
  BytesReceived,
  Download,
  SeededBlob,
  Swarm,
  SwarmStatus,
  WantedBlob,
} from "../ports/swarm.ts";

/** A swarm whose downloads do what a test tells them. */
export class ScriptedSwarm implements Swarm {
  readonly port = 1;
  readonly downloads: ScriptedDownload[] = [];
  readonly seeded = new Set<SeededBlob>();
  /** Called with each download that starts. */
  onDownload: (download: ScriptedDownload) => void = () => undefined;

  seed(blob: SeededBlob): AsyncDisposable {
    this.seeded.add(blob);
    return { [Symbol.asyncDispose]: async () => void this.seeded.delete(blob) };
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

/** A download that has the bytes it was given, and ends as it is told. */
export class ScriptedDownload implements Download {
  readonly wanted: WantedBlob;
  readonly received: BytesReceived = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
  /** Ranges that readers waited for. */
  readonly hurried: ByteRange[] = [];
  disposed = false;
  bytesDone = 0;
  readonly #good = Promise.withResolvers<boolean>();
  readonly #whole = Promise.withResolvers<undefined>();
  #ready = Promise.withResolvers<undefined>();

  constructor(wanted: WantedBlob) {
    this.wanted = wanted;
    this.#whole.promise.catch(() => undefined);
  }

  get metainfo(): Metainfo {
    return this.wanted.metainfo;
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

  finish(): void {
    this.advance(this.metainfo.layout.size);
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
    while (this.bytesDone < range.end) await Promise.race([this.#ready.promise, aborted]);
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
