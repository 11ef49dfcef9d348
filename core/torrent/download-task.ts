import type { PeerAddress } from "../peer-address.ts";
import type { ByteRange } from "../byte-range.ts";
import type { Place } from "../topology.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import type { Bitfield } from "./bitfield.ts";
import type { DigestThread } from "./digest-thread.ts";
import { DownloadPace } from "./download-pace.ts";
import type { SharedBuffers } from "./download-shares.ts";
import type { OriginAnswer } from "./origin-source.ts";
import { PieceAdmission } from "./piece-admission.ts";
import { PieceChoice } from "./piece-choice.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { PiecePicker } from "./piece-picker.ts";
import { SourceDealings, type SourceMeans } from "./source-dealings.ts";
import { SupplyWatch, type SupplyWatchDeps } from "./supply-watch.ts";

/** What one download has of the engine. */
export interface DownloadTaskDeps extends SourceMeans, Pick<SupplyWatchDeps, "stallBoundMs"> {
  readonly path: string;
  readonly peers: readonly PeerAddress[];
  /** Nobody waits for it. */
  readonly isAhead: boolean;
  readonly buffers: SharedBuffers;
  readonly digests: DigestThread;
}

/**
 * One blob on its way, from its start to its end: looks for what is here, has the rest fetched by its
 * {@link SourceDealings}, sees to it that it is supplied, and has it checked and written.
 */
export class DownloadTask {
  readonly #deps: DownloadTaskDeps;
  readonly #stop = new AbortController();
  readonly #hashes: PieceHashes;
  readonly #blob: ArrivingBlob;
  readonly #picker: PiecePicker;
  readonly #admission: PieceAdmission;
  readonly #supply: SupplyWatch;
  readonly #pace: DownloadPace;
  readonly #choice: PieceChoice;
  readonly #dealings: SourceDealings;
  readonly #ended = Promise.withResolvers<undefined>();
  #isScanned = false;
  #isAhead: boolean;
  #bytesTold = 0;

  constructor(deps: DownloadTaskDeps) {
    this.#deps = deps;
    this.#isAhead = deps.isAhead;
    this.#ended.promise.catch(() => undefined);
    const { torrent, stallBoundMs, hasOrigin, random, events, now } = deps;
    const { layout } = torrent;
    const isGrowing = torrent.pieceHashes === undefined;
    this.#hashes = new PieceHashes(torrent);
    this.#blob = new ArrivingBlob(torrent, this.#hashes);
    this.#picker = new PiecePicker({ pieceCount: layout.pieceCount, random, isGrowing });
    this.#supply = new SupplyWatch({
      ...{ torrent, stallBoundMs, hasOrigin },
      ...{ nowMs: now(), knowsPeers: deps.peers.length > 0 },
    });
    this.#pace = new DownloadPace(now());
    const givers = new PieceGivers();
    this.#choice = new PieceChoice({
      ...{ layout, picker: this.#picker, givers },
      ...{ supply: this.#supply, isCrowd: () => this.#dealings.peers.isCrowd },
      secondsLeft: (rate) =>
        this.#pace.secondsFor(this.#picker.missingCount * layout.pieceLength, rate),
    });
    this.#dealings = new SourceDealings({
      ...{ means: deps, hashes: this.#hashes, blob: this.#blob, picker: this.#picker },
      ...{ choice: this.#choice, givers, supply: this.#supply },
      isAsking: () => this.#isAsking,
      isAhead: () => this.#isAhead,
      onWritten: () => this.#endIfWhole(),
      onFailed: (error) => this.stop(error),
    });
    this.#dealings.peers.add(deps.peers);
    this.#admission = new PieceAdmission({
      ...{ hashes: this.#hashes, blob: this.#blob, picker: this.#picker },
      onFound: (index) => events.onPiece(index, this.#dealings.exchange.received),
    });
  }

  /** The pieces that are here. */
  get have(): Bitfield {
    return this.#blob.have;
  }

  /** Pieces that are being fetched from sources that have the whole blob. */
  get intents(): ReadonlySet<number> {
    return this.#dealings.exchange.intents;
  }

  /** Peers that are connected. */
  get peerCount(): number {
    return this.#dealings.peers.openCount;
  }

  /**
   * Downloads until the blob is whole, checked and on disk.
   *
   * @throws {DigestMismatchError} {UnavailableError} {StorageFullError} and the reason
   *   given to {@link stop}. Nothing is open any more then.
   */
  async run(): Promise<void> {
    const { path, digests } = this.#deps;
    try {
      await this.#blob.open(path, digests);
      this.#dealings.probe();
      await this.#admission.run(this.#stop);
      this.#isScanned = true;
      this.#supply.start(this.#deps.now());
      this.tick();
      this.#endIfWhole();
      await this.#ended.promise;
      this.#dealings.sources.close("the blob is whole");
      await this.#blob.finish();
    } finally {
      await this.#dealings[Symbol.asyncDispose]();
      await this.#blob.close();
    }
  }

  /** Ends it before it is whole. */
  stop(reason: Error): void {
    this.#stop.abort(reason);
    this.#ended.reject(reason);
  }

  /** The hashes of the next pieces of a growing torrent became known. */
  async addHashes(hashes: Uint8Array): Promise<void> {
    try {
      this.#hashes.add(hashes);
      if (!this.#isScanned) return;
      // Hashes are progress only for who has all pieces that were known before.
      if (!this.#picker.isWanting) this.#supply.start(this.#deps.now());
      await this.#admission.run(this.#stop);
    } catch (error) {
      this.stop(error as Error);
      return;
    }
    this.#endIfWhole();
    this.#dealings.onHashes();
  }

  addPeers(peers: readonly PeerAddress[]): void {
    this.#dealings.peers.add(peers);
    this.#dealings.dial();
  }

  /** Another node, that wants the blob as we do, has come to us. */
  meet(address: PeerAddress, place: Place | undefined): void {
    if (this.#dealings.peers.meet(address, place)) this.#dealings.dial(1);
  }

  /** Somebody waits for it from now on. */
  hasten(): void {
    this.#isAhead = false;
  }

  /** A reader waits for bytes: their pieces come before others. */
  want(reader: number, range: ByteRange): void {
    const { pieceLength } = this.#deps.torrent.layout;
    this.hasten();
    this.#picker.addReader(reader, Math.floor(range.start / pieceLength));
    this.#dealings.sources.fill();
  }

  unwant(reader: number): void {
    this.#picker.removeReader(reader);
  }

  /** Looks for stalls, late pieces, peers to dial; called by the engine every `tickMs`. */
  tick(): void {
    if (!this.#isAsking) return;
    const { peers, sources } = this.#dealings;
    const nowMs = this.#deps.now();
    this.#choice.noteStalls(sources.tick(nowMs));
    this.#pace.note(sources.bytesGiven, nowMs);
    this.#tellBytes();
    // What limits of our own hold up is not late, nor is what finds no room beside other downloads.
    const isWaiting = (this.#isAhead && peers.isWaiting) || this.#deps.buffers.isStarved;
    if (sources.isHeldBack || isWaiting) this.#supply.start(nowMs);
    const failure = this.#supply.update({
      ...{ nowMs, swarmGaveAtMs: sources.swarmGaveAtMs },
      ...{ suppliers: peers.supplierCount, connected: peers.openCount },
      ...{ isWanting: this.#picker.isWanting, isFetching: this.#picker.pending.size > 0 },
      waitingAt: this.#picker.firstWaiting(),
      isSparing: this.#picker.hasNearPeers && peers.hasFar,
      isInLine: peers.isInLine,
    });
    if (failure) {
      this.stop(failure);
      return;
    }
    this.#picker.isStarving = this.#supply.isStarving;
    this.#picker.isNearSlow = peers.isNearSlow;
    this.#dealings.dial();
    sources.fill();
    if (this.#supply.webSeedNeed.isNeeded) this.#dealings.askStockClients();
  }

  /** Something came of a request to the origin. */
  onOriginAnswer(request: number, answer: OriginAnswer): void {
    this.#dealings.sources.answerOfOrigin(request, answer);
  }

  /** There may be room for a piece again, after there was none. */
  onRoom(): void {
    this.#dealings.sources.fill();
  }

  /** A connection of another download has ended. */
  onSlotFree(): void {
    if (this.#dealings.peers.isCrowdedOut) this.#dealings.dial();
  }

  /** It has looked for what is here, and wants more. */
  get #isAsking(): boolean {
    return this.#isScanned && !this.have.isFull && !this.#stop.signal.aborted;
  }

  #endIfWhole(): void {
    if (this.have.isFull) this.#ended.resolve(undefined);
  }

  /** Pieces of a busy source take their time: who waits for them is told that they are coming. */
  #tellBytes(): void {
    const { bytesGiven } = this.#dealings.sources;
    if (bytesGiven > this.#bytesTold) this.#deps.events.onBytes(bytesGiven);
    this.#bytesTold = bytesGiven;
  }
}
