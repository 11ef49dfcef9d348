import type { PieceSource } from "../../core/torrent/assignment.ts";
import type { Bitfield } from "../../core/torrent/bitfield.ts";
import type { GivenPieces } from "../../core/torrent/given-pieces.ts";
import { blockLengthBulk, silenceBoundMs, stallBoundMs } from "../../core/torrent/limits.ts";
import { RequestWindow } from "../../core/torrent/request-window.ts";
import type { ServingTurns } from "../../core/torrent/serving-turns.ts";
import { StallTimer } from "../../core/torrent/stall-timer.ts";
import type { AskedPiece } from "./asked-piece.ts";
import { AskedPieces } from "./asked-pieces.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";
import { type BlockTaker, OwedBlocks } from "./owed-blocks.ts";
import { Request, type RequestTaker } from "./request.ts";
import type { Timeline } from "./timeline.ts";

/** The download to which a connection belongs. */
export interface Asker {
  readonly host: SimulatedHost;
  readonly isGrowing: boolean;
  /** Assigns a piece; `undefined` when there is none now. */
  assign(source: SimulatedConnection): AskedPiece | undefined;
  opened(connection: SimulatedConnection): void;
  /** Its peer has a piece more. @param wasComing The peer may have said that it was on its way. */
  gained(connection: SimulatedConnection, index: number, wasComing: boolean): void;
  /** A piece is, or is not any more, on its way to the peer from a source that has all. */
  intends(connection: SimulatedConnection, index: number, isComing: boolean): void;
  /** The first part of a piece that was asked for has come. */
  begun(source: SimulatedConnection, piece: AskedPiece): void;
  onPiece(source: SimulatedConnection, piece: AskedPiece): void;
  closed(connection: SimulatedConnection, unfinished: readonly AskedPiece[]): void;
}

/** Who has pieces of a blob and gives them. */
export interface Giver {
  readonly host: SimulatedHost;
  readonly kind: "peers" | "seeders";
  /** Who of its askers may begin a piece; left out: everybody. */
  readonly turns?: ServingTurns;
  /** Pieces that it has told its askers to have given, at once: a real one's word needs its way. */
  readonly given?: GivenPieces;
  /** Takes a connection in. Gives the pieces it is told of, kept up to date; `undefined`: no room. */
  join(connection: SimulatedConnection): Bitfield | undefined;
  leave(connection: SimulatedConnection): void;
  /** A part of a piece was asked for, or its last part. */
  asked(connection: SimulatedConnection, index: number, isLast: boolean): void;
}

export interface ConnectionDeps {
  readonly asker: Asker;
  readonly giver: Giver;
  readonly network: Network;
  readonly timeline: Pick<Timeline, "nowMs">;
  /** The giver was dialled before and gave nothing. */
  readonly isDoubtful: boolean;
}

/**
 * A connection over which one node asks another for pieces: `PieceClient` and `PieceServer` without
 * sockets. How much is asked for at once is decided by the same classes.
 */
export class SimulatedConnection implements PieceSource, BlockTaker, RequestTaker {
  // What each word of a peer looks at comes first: with thousands of hosts no cache holds them all.
  readonly asker: Asker;
  #have: Bitfield | undefined;
  #isClosed = false;
  /** Its peer had not every piece when it came; the asker's own. */
  isPartial = false;
  readonly isFar: boolean;
  #isStalled = false;
  #outstanding = 0;
  /** Bytes that may be outstanding when more is asked for: half of the window. */
  #refillAt: number;
  #hasGiven = false;
  readonly #asked = new AskedPieces();
  readonly #window: RequestWindow;
  readonly #to: SimulatedHost;
  #gaveAtMs = -Infinity;
  readonly #stall = new StallTimer(stallBoundMs);
  readonly giver: Giver;
  readonly #owed: OwedBlocks;
  readonly #network: Network;
  readonly #timeline: Pick<Timeline, "nowMs">;
  readonly kind: "peers" | "seeders";
  readonly isNear: boolean;
  readonly #isDoubtful: boolean;
  /** The giver serves others instead. */
  isRefused = false;

  constructor({ asker, giver, network, timeline, isDoubtful }: ConnectionDeps) {
    this.asker = asker;
    this.giver = giver;
    this.#network = network;
    this.#timeline = timeline;
    this.#isDoubtful = isDoubtful;
    this.#to = asker.host;
    this.kind = giver.kind;
    this.isFar = asker.host.zone !== giver.host.zone;
    this.isNear = !this.isFar;
    const roundTripMs = network.roundTripMs(asker.host, giver.host);
    this.#window = new RequestWindow({ roundTripMs, nowMs: timeline.nowMs });
    this.#refillAt = Math.floor(this.#window.bytes / 2);
    this.#owed = new OwedBlocks({
      from: giver.host,
      to: asker.host,
      taker: this,
      network,
      turns: giver.turns,
    });
  }

  get name(): string {
    return this.giver.host.address.host;
  }

  get isOpen(): boolean {
    return this.#have !== undefined && !this.#isClosed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get have(): Bitfield | undefined {
    return this.#have;
  }

  /** As `PieceClient` has it. */
  get whole(): boolean {
    if (!this.#have) return false;
    if (this.asker.isGrowing) return this.kind === "seeders";
    return this.#have.isFull && !this.isPartial;
  }

  get given(): GivenPieces | undefined {
    return this.whole ? this.giver.given : undefined;
  }

  get stalled(): boolean {
    return this.#isStalled || (this.#isDoubtful && !this.#hasGiven);
  }

  get rate(): number {
    return this.#window.rate;
  }

  get gaveAtMs(): number {
    return this.#gaveAtMs;
  }

  get hasGiven(): boolean {
    return this.#hasGiven;
  }

  get isBusy(): boolean {
    return this.#outstanding > 0;
  }

  has(index: number): boolean {
    return (this.#have?.has(index) ?? false) && !this.#asked.find(index);
  }

  waitedMs(index: number): number | undefined {
    const piece = this.#asked.find(index);
    return piece?.received === 0 ? this.#timeline.nowMs - piece.askedAtMs : undefined;
  }

  bytesUntil(index: number): number {
    return this.#asked.bytesUntil(index);
  }

  /** Handshakes are done. @param have kept up to date by the giver. */
  open(have: Bitfield): void {
    this.#have = have;
    this.asker.opened(this);
    this.fill();
  }

  /** Whether {@link fill} would ask for anything, if there is something to ask for. */
  get canAsk(): boolean {
    return this.#outstanding <= this.#refillAt && !this.#isStalled && this.isOpen;
  }

  fill(): void {
    if (!this.canAsk) return;
    let piece = this.#lastUnasked();
    if (!piece) return;
    const wasIdle = this.#outstanding === 0;
    const blockLength = Math.min(blockLengthBulk, this.#window.blockLength);
    const first = new Request(this, piece);
    let last = first;
    while (piece) {
      if (last.piece !== piece) {
        last.next = new Request(this, piece);
        last = last.next;
      }
      const length = Math.min(blockLength, piece.length - piece.requested);
      last.length += length;
      piece.requested += length;
      this.#outstanding += length;
      piece = this.#outstanding < this.#window.bytes ? this.#lastUnasked() : undefined;
    }
    this.#network.send(this.#to, this.giver.host, first);
    if (!wasIdle) return;
    const { nowMs } = this.#timeline;
    this.#window.restart(nowMs);
    this.#stall.restart(nowMs);
  }

  cancel(index: number): undefined {
    const cancelled = this.#asked.find(index);
    if (!cancelled) return;
    this.#asked.remove(cancelled);
    cancelled.isCancelled = true;
    this.#outstanding -= cancelled.requested - cancelled.received;
    if (this.#outstanding === 0) this.#stall.stop();
    this.#network.tell(this.#to, this.giver.host, () => {
      cancelled.owed = 0;
    });
  }

  /** The peer has told of a piece, which is in {@link have}. */
  heard(index: number, wasComing: boolean): void {
    if (this.isOpen) this.asker.gained(this, index, wasComing);
  }

  heardIntent(index: number, isComing: boolean): void {
    if (this.isOpen) this.asker.intends(this, index, isComing);
  }

  /** The giver's end: tells this peer alone of what all others know. */
  tellIntent(index: number, isComing: boolean): void {
    this.#network.tell(this.giver.host, this.#to, () => this.heardIntent(index, isComing));
  }

  /** Looks for lapsed bounds. */
  tick(nowMs: number): void {
    if (!this.isOpen) return;
    this.#isStalled = this.#stall.isStalled(nowMs);
    if (this.#stall.silentMs(nowMs) > silenceBoundMs) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const unfinished = this.#asked.toArray();
    for (const piece of unfinished) piece.isCancelled = true;
    this.asker.closed(this, unfinished);
    this.#network.tell(this.#to, this.giver.host, () => {
      this.#owed.leave(this.#timeline.nowMs);
      this.giver.leave(this);
    });
  }

  /** A part of a piece has come. */
  arrived(piece: AskedPiece, length: number, nowMs: number): void {
    if (this.#isClosed || piece.isCancelled || this.#to.isGone) return;
    this.#gaveAtMs = nowMs;
    this.#hasGiven = true;
    this.#isStalled = false;
    this.#window.received(length, nowMs);
    this.#refillAt = Math.floor(this.#window.bytes / 2);
    this.#outstanding -= length;
    if (piece.received === 0) this.asker.begun(this, piece);
    piece.received += length;
    if (this.#outstanding > 0) this.#stall.restart(nowMs);
    else this.#stall.stop();
    if (piece.received === piece.length) {
      this.#asked.remove(piece);
      this.asker.onPiece(this, piece);
    }
    this.fill();
  }

  /** The giver's end: some of a piece was asked for. */
  owe(piece: AskedPiece, length: number): void {
    if (piece.isCancelled || this.giver.host.isGone) return;
    this.#owed.add(piece, length);
    this.giver.asked(this, piece.index, piece.requested === piece.length);
    this.giver.host.uplink.wake(this.#owed);
  }

  /** The piece of which a block is to be asked for next: one that is begun, or a new one. */
  #lastUnasked(): AskedPiece | undefined {
    const { last } = this.#asked;
    if (last && last.requested < last.length) return last;
    const assigned = this.asker.assign(this);
    if (assigned) this.#asked.append(assigned, last);
    return assigned;
  }
}
