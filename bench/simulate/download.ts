import type { PeerAddress } from "../../core/peer-address.ts";
import { pieceLengthAt } from "../../core/piece-layout.ts";
import type { ArrivingTorrent } from "../../core/torrent/arriving-torrent.ts";
import { Bitfield } from "../../core/torrent/bitfield.ts";
import { askersOfWholeMax, tickMs } from "../../core/torrent/limits.ts";
import { DownloadPace } from "../../core/torrent/download-pace.ts";
import { NodeIntents } from "../../core/torrent/node-intents.ts";
import { PieceChoice } from "../../core/torrent/piece-choice.ts";
import { PieceGivers } from "../../core/torrent/piece-givers.ts";
import { PiecePicker } from "../../core/torrent/piece-picker.ts";
import { ServingTurns } from "../../core/torrent/serving-turns.ts";
import { SupplyWatch } from "../../core/torrent/supply-watch.ts";
import { AskedPiece } from "./asked-piece.ts";
import type { Asker, Giver, SimulatedConnection } from "./connection.ts";
import type { Happening } from "./event-queue.ts";
import type { SimulatedHost } from "./host.ts";
import { type PeersDeps, SimulatedPeers } from "./peers.ts";
import type { Lane } from "./timeline.ts";
import { Places } from "./places.ts";
import { SimulatedReader, type SimulatedReading } from "./reader.ts";
import { ToldPieces } from "./told-pieces.ts";

export interface DownloadDeps extends Omit<PeersDeps, "asker"> {
  readonly host: SimulatedHost;
  readonly torrent: ArrivingTorrent;
  readonly stallBoundMs: number;
  /** Somebody reads the blob while it comes. */
  readonly hasReader: boolean;
  /** Until a piece that came is checked and in the file. */
  readonly keeping: Lane;
  readonly onDone: (nowMs: number) => void;
  /** There was room for a piece again. */
  readonly onBufferFree: () => void;
}

/**
 * One blob on its way to a host: what `DownloadTask`, `PieceExchange` and `PeerPieces` do, with the
 * classes that decide and without sockets, files and hashes.
 */
export class SimulatedDownload implements Asker, Giver, Happening {
  readonly kind = "peers";
  readonly host: SimulatedHost;
  readonly isGrowing: boolean;
  readonly #deps: DownloadDeps;
  readonly #picker: PiecePicker;
  readonly #givers = new PieceGivers();
  readonly #pace: DownloadPace;
  readonly #choice: PieceChoice;
  readonly #supply: SupplyWatch;
  readonly #peers: SimulatedPeers;
  readonly #nodeIntents: NodeIntents;
  readonly #have: Bitfield;
  readonly #told: ToldPieces;
  readonly #places = new Places();
  readonly turns = new ServingTurns();
  readonly #reader: SimulatedReader | undefined;
  readonly #shortestPiece: number;
  /** Whether anything may ever be left to others: else it is of no interest what they get. */
  readonly #isLeftToOthers: boolean;
  #partialCount = 0;
  #bytesGiven = 0;
  #isStarving = false;
  /** Times that it would have gone to the origin, or failed. */
  giveUps = 0;

  constructor(deps: DownloadDeps) {
    const { torrent, random, timeline, stallBoundMs } = deps;
    const { layout } = torrent;
    const { pieceCount } = layout;
    this.#deps = deps;
    this.host = deps.host;
    this.#shortestPiece = pieceLengthAt(layout, pieceCount - 1);
    this.#peers = new SimulatedPeers({ ...deps, asker: this });
    this.isGrowing = torrent.pieceHashes === undefined;
    this.#isLeftToOthers = this.isGrowing || deps.network.hasBorders;
    this.#picker = new PiecePicker({ pieceCount, random, isGrowing: this.isGrowing });
    this.#nodeIntents = new NodeIntents(this.#picker);
    this.#have = new Bitfield(pieceCount);
    this.#told = new ToldPieces({ host: deps.host, network: deps.network, pieceCount });
    const nowMs = timeline.nowMs;
    const origin = { stallBoundMs, hasOrigin: false, knowsPeers: true };
    this.#supply = new SupplyWatch({ torrent, ...origin, nowMs });
    this.#pace = new DownloadPace(nowMs);
    if (deps.hasReader) {
      this.#reader = new SimulatedReader({ picker: this.#picker, have: this.#have, nowMs });
    }
    this.#choice = new PieceChoice({
      ...{ layout, picker: this.#picker, givers: this.#givers, supply: this.#supply },
      isCrowd: () => this.#partialCount > 0,
      secondsLeft: (rate) =>
        this.#pace.secondsFor(this.#picker.missingCount * layout.pieceLength, rate),
    });
  }

  get isDone(): boolean {
    return this.#have.isFull;
  }

  get have(): Bitfield {
    return this.#have;
  }

  /** What its reader saw so far. */
  get reading(): SimulatedReading | undefined {
    return this.#reader?.reading;
  }

  get peerCount(): number {
    return this.#peers.clients.size;
  }

  addPeers(addresses: readonly PeerAddress[]): void {
    this.#peers.add(addresses);
    this.#dial();
  }

  /** Hashes of pieces up to `end` are known. */
  admit(end: number): void {
    this.#picker.admit(end, this.#have);
    this.#fill();
  }

  /** Looks for lapsed bounds, as the engine does every `tickMs`, while it downloads. */
  happen(nowMs: number): void {
    if (this.isDone || this.host.isGone) return;
    this.#tick(nowMs);
    this.#deps.timeline.at(nowMs + tickMs, this);
  }

  assign(source: SimulatedConnection): AskedPiece | undefined {
    if (this.isDone) return undefined;
    // Before anything is chosen, for that costs more than a look at the room.
    if (!this.#hasRoom()) return undefined;
    const index = this.#choice.next(source);
    if (index === undefined) return undefined;
    const length = pieceLengthAt(this.#deps.torrent.layout, index);
    if (!this.host.takeBuffer(length)) {
      this.#isStarving = true;
      if (!this.#givers.has(index)) this.#picker.putBack(index);
      return undefined;
    }
    this.#givers.add(index, source);
    if (source.whole || source.isFar) this.#told.intend(index);
    return new AskedPiece(index, length, this.#deps.timeline.nowMs);
  }

  opened(connection: SimulatedConnection): void {
    const { have } = connection;
    if (!have) return;
    if (connection.whole) {
      this.#picker.addWholePeer(connection);
      return;
    }
    connection.isPartial = true;
    this.#partialCount++;
    this.#picker.addPartialPeer(connection);
    if (have.held === 0) return;
    for (let index = 0; index < have.pieceCount; index++) {
      if (have.has(index)) this.#picker.addHave(index, connection);
    }
  }

  gained(connection: SimulatedConnection, index: number, wasComing: boolean): void {
    if (wasComing) this.#nodeIntents.note(connection, index, false);
    if (connection.isPartial) this.#picker.addHave(index, connection);
    if (this.#isLeftToOthers && !connection.whole && !connection.isFar) {
      this.#supply.heard(this.#deps.timeline.nowMs);
    }
    // Most often it has enough to do, which is looked at first: it costs least.
    if (!connection.canAsk) return;
    if (!this.#picker.isUntouched(index) && !this.#choice.isUrgentFor(connection, index)) return;
    if (!this.#picker.isLeftToNear(index, connection)) connection.fill();
  }

  begun(source: SimulatedConnection, { index, length }: AskedPiece): void {
    for (const other of this.#givers.redundant(index, source)) {
      this.#givers.remove(index, other);
      other.cancel(index);
      this.host.giveBackBuffer(length);
      other.fill();
    }
  }

  intends(connection: SimulatedConnection, index: number, isComing: boolean): void {
    if (!connection.have?.has(index)) this.#nodeIntents.note(connection, index, isComing);
  }

  onPiece(source: SimulatedConnection, { index, length }: AskedPiece): void {
    const { keeping, timeline } = this.#deps;
    this.#givers.remove(index, source);
    this.#picker.done(index);
    for (const loser of this.#givers.settle(index)) {
      loser.cancel(index);
      this.host.giveBackBuffer(length);
      loser.fill();
    }
    this.#bytesGiven += length;
    this.#supply.pieceCame(source, timeline.nowMs);
    keeping.after({ happen: (nowMs) => this.#keep({ index, length }, nowMs) });
  }

  closed(connection: SimulatedConnection, unfinished: readonly AskedPiece[]): void {
    this.#peers.left(connection);
    for (const { index, length } of unfinished) this.#giveUp(connection, index, length);
    this.#nodeIntents.forget(connection);
    this.#picker.removeWholePeer(connection);
    if (connection.isPartial && connection.have) {
      this.#partialCount--;
      this.#picker.removePartialPeer(connection.have, connection);
    }
    if (unfinished.length > 0) this.#fill();
  }

  join(connection: SimulatedConnection): Bitfield | undefined {
    const { peersPerBlobMax } = this.#deps;
    const asking = connection.asker.host;
    if (this.host.connections >= this.host.connectionsMax) return undefined;
    const isFar = asking.zone !== this.host.zone;
    if (!this.isDone && this.#peers.meet(asking.address, { isFar })) this.#dial(1);
    const askersMax = this.isDone ? askersOfWholeMax : peersPerBlobMax;
    if (!this.#places.take(connection, askersMax)) return undefined;
    this.host.connections++;
    return this.#told.join(connection);
  }

  leave(connection: SimulatedConnection): void {
    if (!this.#places.leave(connection)) return;
    this.host.connections--;
    this.#told.leave(connection);
  }

  asked(): void {
    // Nothing is offered to single ones.
  }

  /** Room for a piece is free: those that lacked it ask again. */
  refill(): void {
    if (!this.#isStarving) return;
    this.#isStarving = false;
    this.#fill();
  }

  #tick(nowMs: number): void {
    this.turns.tick(nowMs);
    let isAnyStalled = false;
    let suppliers = 0;
    let connected = 0;
    let swarmGaveAtMs = -Infinity;
    let hasFar = false;
    for (const client of [...this.#peers.clients]) {
      client.tick(nowMs);
      isAnyStalled ||= client.stalled;
      if (!client.isOpen) continue;
      connected++;
      hasFar ||= client.isFar;
      if (!client.stalled && client.isBusy) suppliers++;
      swarmGaveAtMs = Math.max(swarmGaveAtMs, client.gaveAtMs);
    }
    this.#pace.note(this.#bytesGiven, nowMs);
    this.#choice.noteStalls(isAnyStalled);
    const isWanting = this.#picker.isWanting;
    const isFetching = this.#picker.pending.size > 0;
    const isSparing = this.#picker.hasNearPeers && hasFar;
    const supply = { nowMs, isSparing, swarmGaveAtMs, suppliers, connected, isWanting, isFetching };
    const waitingAt = this.#picker.firstWaiting();
    if (this.#supply.update({ ...supply, waitingAt })) {
      this.giveUps++;
      this.#supply.start(nowMs);
    }
    this.#picker.isStarving = this.#supply.isStarving;
    this.#dial();
    this.#fill();
  }

  #fill(): void {
    let hasNew = false;
    for (const client of this.#peers.clients) {
      if (!this.#hasRoom()) return;
      if (client.hasGiven) client.fill();
      else hasNew = true;
    }
    if (!hasNew) return;
    for (const client of this.#peers.clients) {
      if (!this.#hasRoom()) return;
      if (!client.hasGiven) client.fill();
    }
  }

  /** Whether a piece could be asked for; else it will be when there is room. */
  #hasRoom(): boolean {
    if (this.host.hasBuffer(this.#shortestPiece)) return true;
    this.#isStarving = true;
    return false;
  }

  #dial(countMax?: number): void {
    if (!this.isDone && !this.host.isGone) this.#peers.dial(countMax);
  }

  #keep({ index, length }: Pick<AskedPiece, "index" | "length">, nowMs: number): void {
    const { host, onBufferFree, onDone } = this.#deps;
    if (host.isGone) return;
    this.#have.add(index);
    this.#reader?.came(index, nowMs);
    host.giveBackBuffer(length);
    onBufferFree();
    this.#told.add(index);
    if (!this.isDone) return;
    onDone(nowMs);
    for (const client of [...this.#peers.clients]) client.close();
  }

  #giveUp(connection: SimulatedConnection, index: number, length: number): void {
    if (this.#givers.remove(index, connection)) {
      this.#picker.putBack(index);
      this.#told.giveUp(index);
    }
    this.host.giveBackBuffer(length);
    this.#deps.onBufferFree();
  }
}
