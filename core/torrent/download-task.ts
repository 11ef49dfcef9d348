import type { Agent } from "node:http";

import { MetainfoError } from "../errors.ts";
import type { PeerAddress } from "../peer-address.ts";
import type { ByteRange } from "../byte-range.ts";
import type { Place } from "../topology.ts";
import type { Assignment, PieceSource, Refusal } from "./assignment.ts";
import type { HostLimits } from "../limits/host-limits.ts";
import type { Passage } from "../limits/passage.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import { metainfoOf } from "./arriving-torrent.ts";
import type { Bitfield } from "./bitfield.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { DigestThread } from "./digest-thread.ts";
import type { DownloadEvents } from "./download-events.ts";
import { DownloadPace } from "./download-pace.ts";
import { DownloadPeers, type DownloadPeersDeps } from "./download-peers.ts";
import { DownloadSources } from "./download-sources.ts";
import { GoodSources } from "./good-sources.ts";
import type { OriginAnswer } from "./origin-source.ts";
import { PeerPieces } from "./peer-pieces.ts";
import { PieceAdmission } from "./piece-admission.ts";
import { PieceChoice } from "./piece-choice.ts";
import { PieceClient, type PieceClientOwner } from "./piece-client.ts";
import { PieceExchange } from "./piece-exchange.ts";
import { PieceGivers } from "./piece-givers.ts";
import { PieceHashes } from "./piece-hashes.ts";
import { PiecePicker } from "./piece-picker.ts";
import { SourceConduct } from "./source-conduct.ts";
import { StockFetch } from "./stock-fetch.ts";
import type { StockPeers } from "./stock-peers.ts";
import { SupplyWatch, type SupplyWatchDeps } from "./supply-watch.ts";

/** What one download has of the engine. */
export interface DownloadTaskDeps
  extends
    Omit<DownloadPeersDeps, "owner" | "openPassage" | "isAhead">,
    Pick<SupplyWatchDeps, "stallBoundMs" | "hasOrigin"> {
  readonly path: string;
  readonly peers: readonly PeerAddress[];
  readonly webSeeds: readonly string[];
  /** Nobody waits for it. */
  readonly isAhead: boolean;
  readonly limits: Pick<HostLimits, "passage">;
  readonly buffers: BufferPool;
  readonly digests: DigestThread;
  readonly stockPeers: StockPeers;
  /** Connections to web seeds. */
  readonly webAgent: Agent;
  readonly events: DownloadEvents;
}

/**
 * One blob on its way: dials peers, spreads pieces over them, checks and writes what
 * comes. A piece's bytes come from one source, so a wrong piece has one culprit.
 */
export class DownloadTask implements PieceClientOwner {
  readonly #deps: DownloadTaskDeps;
  readonly #stop = new AbortController();
  readonly #peers: DownloadPeers;
  readonly #peerPieces: PeerPieces;
  readonly #picker: PiecePicker;
  readonly #hashes: PieceHashes;
  readonly #blob: ArrivingBlob;
  readonly #admission: PieceAdmission;
  readonly #sources: DownloadSources;
  readonly #good: GoodSources;
  readonly #supply: SupplyWatch;
  readonly #pace: DownloadPace;
  readonly #choice: PieceChoice;
  readonly #exchange: PieceExchange;
  readonly #stockFetch: StockFetch;
  readonly #conduct: SourceConduct;
  readonly #ended = Promise.withResolvers<undefined>();
  #isScanned = false;
  #isAhead: boolean;
  #bytesTold = 0;

  constructor(deps: DownloadTaskDeps) {
    this.#deps = deps;
    this.#isAhead = deps.isAhead;
    const { torrent, stallBoundMs, hasOrigin, stockPeers, random, events } = deps;
    const { layout, digest } = torrent;
    const { pieceCount } = layout;
    const isGrowing = torrent.pieceHashes === undefined;
    this.#hashes = new PieceHashes(torrent);
    this.#blob = new ArrivingBlob(torrent, this.#hashes);
    this.#conduct = new SourceConduct(digest, events);
    this.#picker = new PiecePicker({ pieceCount, random, isGrowing });
    this.#ended.promise.catch(() => undefined);
    this.#supply = new SupplyWatch({
      ...{ torrent, stallBoundMs, hasOrigin },
      ...{ nowMs: deps.now(), knowsPeers: deps.peers.length > 0 },
    });
    this.#pace = new DownloadPace(deps.now());
    const openPassage = () => this.#openPassage();
    const isAhead = () => this.#isAhead;
    this.#peers = new DownloadPeers({ ...deps, openPassage, isAhead, owner: this });
    this.#peers.add(deps.peers);
    this.#peerPieces = new PeerPieces({ picker: this.#picker, peers: this.#peers });
    const givers = new PieceGivers();
    this.#choice = new PieceChoice({
      ...{ layout, picker: this.#picker, givers },
      ...{ supply: this.#supply, isCrowd: () => this.#peers.isCrowd },
      secondsLeft: (rate) =>
        this.#pace.secondsFor(this.#picker.missingCount * layout.pieceLength, rate),
    });
    this.#exchange = this.#exchangeFor(deps, givers);
    this.#admission = new PieceAdmission({
      ...{ hashes: this.#hashes, blob: this.#blob, picker: this.#picker },
      onFound: (index) => events.onPiece(index, this.#exchange.received),
    });
    this.#stockFetch = new StockFetch({
      ...{ metainfo: metainfoOf(torrent), stockPeers },
      read: (buffer, position) => this.#blob.read(buffer, position),
      take: (index, bytes) => this.#exchange.takeForeign(index, bytes),
      onWarning: (message, fields) => events.onWarning(message, fields),
    });
    const { now, webAgent: agent, webSeeds: urls } = deps;
    this.#sources = new DownloadSources({
      ...{ peers: this.#peers, urls, layout, owner: this, agent, now, openPassage },
      askOrigin: hasOrigin ? (request, range) => events.onOriginWanted(request, range) : undefined,
    });
    this.#good = new GoodSources({
      ...{ torrent, sources: this.#sources, peers: this.#peers, hashes: this.#hashes },
      tell: (count) => events.onGoodSources(count),
    });
  }

  /** The pieces that are here. */
  get have(): Bitfield {
    return this.#blob.have;
  }

  /** Pieces that are being fetched from sources that have the whole blob. */
  get intents(): ReadonlySet<number> {
    return this.#exchange.intents;
  }

  /** Peers that are connected. */
  get peerCount(): number {
    return this.#peers.openCount;
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
      this.#sources.probe(() => this.#good.update());
      await this.#admission.run(this.#stop);
      this.#isScanned = true;
      this.#supply.start(this.#deps.now());
      this.tick();
      if (this.have.isFull) this.#ended.resolve(undefined);
      await this.#ended.promise;
      this.#sources.close("the blob is whole");
      await this.#blob.finish();
    } finally {
      this.#sources.close("the download has ended");
      await this.#stockFetch[Symbol.asyncDispose]();
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
    if (this.have.isFull) this.#ended.resolve(undefined);
    this.#good.update();
    this.#sources.fill();
  }

  addPeers(peers: readonly PeerAddress[]): void {
    this.#peers.add(peers);
    this.#dial();
  }

  /** Another node, that wants the blob as we do, has come to us. */
  meet(address: PeerAddress, place: Place | undefined): void {
    if (this.#peers.meet(address, place)) this.#dial(1);
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
    this.#sources.fill();
  }

  unwant(reader: number): void {
    this.#picker.removeReader(reader);
  }

  /** Looks for stalls, late pieces, peers to dial; called by the engine every `tickMs`. */
  tick(): void {
    if (!this.#isScanned || this.have.isFull || this.#stop.signal.aborted) return;
    const nowMs = this.#deps.now();
    this.#choice.noteStalls(this.#sources.tick(nowMs));
    this.#pace.note(this.#sources.bytesGiven, nowMs);
    this.#tellBytes();
    // What limits of our own hold up is not late.
    const isWaiting = this.#isAhead && this.#peers.isWaiting;
    if (this.#sources.isHeldBack || isWaiting) this.#supply.start(nowMs);
    const failure = this.#supply.update({
      ...{ nowMs, swarmGaveAtMs: this.#sources.swarmGaveAtMs },
      ...{ suppliers: this.#peers.supplierCount, connected: this.#peers.openCount },
      ...{ isWanting: this.#picker.isWanting, isFetching: this.#picker.pending.size > 0 },
      waitingAt: this.#picker.firstWaiting(),
      isSparing: this.#picker.hasNearPeers && this.#peers.hasFar,
      isInLine: this.#peers.isInLine,
    });
    if (failure) {
      this.stop(failure);
      return;
    }
    this.#picker.isStarving = this.#supply.isStarving;
    this.#picker.isNearSlow = this.#peers.isNearSlow;
    this.#dial();
    this.#sources.fill();
    if (this.#supply.webSeedNeed.isNeeded) this.#stockFetch.start();
  }

  /** Something came of a request to the origin. */
  onOriginAnswer(request: number, answer: OriginAnswer): void {
    this.#sources.answerOfOrigin(request, answer);
  }

  /** A buffer may be had again. */
  onBufferFree(): void {
    if (this.#exchange.wasStarving()) this.#sources.fill();
  }

  /** A connection of another download has ended. */
  onSlotFree(): void {
    if (this.#peers.isCrowdedOut) this.#dial();
  }

  onOpen(client: PieceClient): void {
    this.#peerPieces.opened(client);
    this.#good.update();
  }

  onHave(client: PieceClient, index: number): void {
    this.#peerPieces.gained(client, index);
    if (!client.whole && !client.isFar) this.#supply.heard(this.#deps.now());
    if (client.hasAll) this.#good.update();
    // One that is on its way already is looked at by the next tick, not by each of a crowd's words.
    const isNews = this.#picker.isUntouched(index);
    if (isNews && !this.#picker.isLeftToNear(index, client)) client.fill();
  }

  onIntent(client: PieceClient, index: number, isComing: boolean): void {
    this.#peerPieces.intends(client, index, isComing);
  }

  assign(source: PieceSource): Assignment | undefined {
    if (!this.#isScanned || this.have.isFull || this.#stop.signal.aborted) return undefined;
    return this.#exchange.assign(source);
  }

  onPiece(source: PieceSource, assignment: Assignment): void {
    this.#exchange.take(source, assignment);
  }

  onGaveUp(source: PieceSource, assignment: Assignment, refusal: Refusal): void {
    this.#exchange.giveUp(source, assignment);
    this.#conduct.refused(source, refusal);
    this.#sources.fill();
  }

  onClosed(source: PieceSource, unfinished: readonly Assignment[], reason: string): void {
    for (const assignment of unfinished) this.#exchange.giveUp(source, assignment);
    if (!(source instanceof PieceClient)) return;
    this.#peerPieces.left(source);
    if (source.verdict === "foreign") this.#stockFetch.add(source.address);
    if (source.verdict === "hostile") this.#conduct.brokeProtocol(source, reason);
    this.#good.update();
    if (unfinished.length > 0) this.#sources.fill();
  }

  onFault(_source: PieceSource, error: unknown): void {
    this.#deps.events.onFault(error);
  }

  /** Pieces of a busy source take their time: who waits for them is told that they are coming. */
  #tellBytes(): void {
    const { bytesGiven } = this.#sources;
    if (bytesGiven > this.#bytesTold) this.#deps.events.onBytes(bytesGiven);
    this.#bytesTold = bytesGiven;
  }

  #dial(countMax?: number): void {
    if (!this.#isScanned || this.have.isFull || this.#stop.signal.aborted) return;
    this.#peers.dial(countMax);
    const { clients, isWaiting } = this.#peers;
    if (clients.size === 0 && !isWaiting) this.#deps.events.onHurry();
  }

  #openPassage(): Passage {
    const { limits, torrent } = this.#deps;
    const flow = torrent.infoHash;
    return limits.passage(["download"], { flow, isAhead: () => this.#isAhead });
  }

  #exchangeFor(deps: DownloadTaskDeps, givers: PieceGivers): PieceExchange {
    const { torrent, buffers, events } = deps;
    return new PieceExchange({
      ...{ layout: torrent.layout, hashes: this.#hashes, buffers, events, givers },
      ...{ blob: this.#blob, picker: this.#picker, choice: this.#choice },
      onWrongPiece: (source, index) => this.#blame(source, index),
      onRightPiece: (from) => {
        if (from instanceof PieceClient) this.#peers.gaveRight(from);
        this.#supply.pieceCame(from, deps.now());
      },
      onWritten: () => {
        if (this.have.isFull) this.#ended.resolve(undefined);
      },
      onWriteFailed: (error) => this.stop(error),
    });
  }

  /** Bytes of the origin are right by definition, unless it is broken: both are checked again. */
  #blame(source: PieceSource, index: number): void {
    if (source.kind === "origin") {
      this.stop(new MetainfoError("Cannot use metainfo: it does not fit what the origin has"));
      return;
    }
    const banned = this.#sources.blame(source);
    this.#conduct.gaveWrongPiece(source, index, { banned });
    if (source instanceof PieceClient || banned) source.close("it gave a wrong piece");
  }
}
