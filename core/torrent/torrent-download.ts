import { Notifier } from "../async/notifier.ts";
import { createDeadline } from "../async/deadline.ts";
import type { ByteRange } from "../byte-range.ts";
import { BlobNotFoundError, UnavailableError } from "../errors.ts";
import { type GrowingTorrent, isGrowing } from "../growing-torrent.ts";
import type { Metainfo } from "../metainfo.ts";
import type { PeerAddress } from "../peer-address.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { BytesReceived, Download, OpenTail } from "../ports/swarm.ts";
import { Bitfield } from "./bitfield.ts";
import { BlobTail } from "./blob-tail.ts";
import { HashFeed } from "./hash-feed.ts";
import type { Participant } from "./joined-swarms.ts";
import { MoveWatch } from "./move-watch.ts";
import type { OriginAnswer } from "./origin-source.ts";
import type { SwarmCommand } from "./worker-protocol.ts";

/**
 * Longest wait for a source that holds the whole blob: connecting to one that is known
 * takes at most 2 s, and containerd's pull waits meanwhile.
 */
const goodSourceBoundMs = 3000;

export interface TorrentDownloadDeps {
  readonly id: number;
  readonly torrent: Metainfo | GrowingTorrent;
  readonly origin: OpenTail | undefined;
  readonly post: (command: SwarmCommand) => void;
  /** Lets go of everything else that belongs to it. */
  readonly onDispose: () => Promise<void>;
}

/**
 * A download as its owner sees it, on the thread of its owner: knows which pieces are
 * here from what the engine tells, and answers from that.
 */
export class TorrentDownload implements Download, Participant {
  readonly torrent: Metainfo | GrowingTorrent;
  readonly #deps: TorrentDownloadDeps;
  readonly #have: Bitfield;
  readonly #origin: BlobTail | undefined;
  readonly #feed: HashFeed | undefined;
  readonly #moves = new MoveWatch();
  readonly #changes = new Notifier();
  readonly #whole = Promise.withResolvers<undefined>();
  readonly #stopped = Promise.withResolvers<undefined>();
  #metainfo: Metainfo | undefined;
  #received: BytesReceived = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };
  #bytesDone = 0;
  #bytesGiven = 0;
  #goodSources = 0;
  #lastReader = 0;
  #failure: Error | undefined;
  #isWhole = false;
  #disposal: Promise<void> | undefined;

  constructor(deps: TorrentDownloadDeps) {
    const { torrent } = deps;
    this.torrent = torrent;
    this.#deps = deps;
    this.#origin = deps.origin && new BlobTail(deps.origin);
    this.#have = new Bitfield(torrent.layout.pieceCount);
    this.#whole.promise.catch(() => undefined);
    if (isGrowing(torrent)) this.#feed = this.#startFeed(torrent);
    else this.#metainfo = torrent;
  }

  get metainfo(): Metainfo | undefined {
    return this.#metainfo;
  }

  get bytesDone(): number {
    return this.#bytesDone;
  }

  get bytesGiven(): number {
    return this.#bytesGiven;
  }

  get received(): BytesReceived {
    return this.#received;
  }

  hasten(): void {
    this.#deps.post({ type: "hasten", id: this.#deps.id });
  }

  left(): number {
    return this.torrent.layout.size - this.#bytesDone;
  }

  downloaded(): number {
    const { peers, seeders, webSeeds, origin } = this.#received;
    return peers + seeders + webSeeds + origin;
  }

  onPeers(peers: readonly PeerAddress[]): void {
    this.#deps.post({ type: "peers", id: this.#deps.id, peers });
  }

  availableEnd(offset: number): number {
    const { size, pieceLength } = this.torrent.layout;
    const end = this.#have.firstMissing(Math.floor(offset / pieceLength)) * pieceLength;
    return Math.max(offset, Math.min(end, size));
  }

  async ready(range: ByteRange, { signal }: Cancellable): Promise<void> {
    signal.throwIfAborted();
    if (this.availableEnd(range.start) >= range.end) return;
    const { id, post } = this.#deps;
    const reader = ++this.#lastReader;
    post({ type: "want", id, reader, range });
    try {
      while (this.availableEnd(range.start) < range.end) {
        if (this.#failure) throw this.#failure;
        await this.#changes.changed(signal);
      }
    } finally {
      post({ type: "unwant", id, reader });
    }
  }

  async hasGoodSource({ signal }: Cancellable): Promise<boolean> {
    const deadline = createDeadline(signal, goodSourceBoundMs);
    try {
      while (this.#goodSources === 0 && !this.#isWhole) {
        if (this.#failure) return false;
        await this.#changes.changed(deadline.signal);
      }
      return true;
    } catch {
      return false;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async whole(): Promise<void> {
    await this.#whole.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    await this.#disposal;
  }

  /** Pieces came that are checked and in the file. */
  onPieces(indexes: readonly number[], received: BytesReceived): void {
    for (const index of indexes) {
      if (this.#have.add(index)) this.#bytesDone += pieceLengthAt(this.torrent.layout, index);
    }
    this.#received = received;
    this.#changes.notify();
  }

  /** More bytes came, of pieces that are whole or not. */
  onBytes(bytes: number): void {
    this.#bytesGiven = bytes;
  }

  /** The engine wants bytes of the origin. */
  onOriginWanted(request: number, range: ByteRange): void {
    const { id, post } = this.#deps;
    void this.#askOrigin(range).then((answer) =>
      post({ type: "originAnswer", id, request, answer }),
    );
  }

  onGoodSources(count: number): void {
    this.#goodSources = count;
    this.#changes.notify();
  }

  onDone(): void {
    this.#metainfo ??= this.#feed?.metainfo();
    this.#isWhole = true;
    this.#whole.resolve(undefined);
    this.#changes.notify();
  }

  onFailed(error: Error): void {
    this.#feed?.stop();
    this.#failure ??= error;
    this.#whole.reject(error);
    this.#changes.notify();
  }

  /** The engine has let go of the file. */
  onStopped(): void {
    this.#stopped.resolve(undefined);
  }

  #startFeed(torrent: GrowingTorrent): HashFeed {
    const { id, post } = this.#deps;
    return new HashFeed({
      torrent,
      onHashes: (hashes) => post({ type: "hashes", id, hashes }),
      onRefused: (error) => this.onFailed(error),
      onMoved: (error) => {
        if (this.#moves.told(this.#bytesGiven)) this.onFailed(error);
      },
    });
  }

  async #askOrigin(range: ByteRange): Promise<OriginAnswer> {
    try {
      const bytes = await this.#origin?.read(range);
      return bytes ? { bytes } : { problem: "there is none", isExpected: true };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      return { problem, isExpected: error instanceof BlobNotFoundError };
    }
  }

  async #dispose(): Promise<void> {
    this.onFailed(new UnavailableError(`Cannot get blob ${this.torrent.digest}: it was stopped`));
    this.#deps.post({ type: "stop", id: this.#deps.id });
    await this.#feed?.[Symbol.asyncDispose]();
    await this.#origin?.[Symbol.asyncDispose]();
    await this.#stopped.promise;
    await this.#deps.onDispose();
  }
}
