import { blockLengthBulk } from "../../core/torrent/limits.ts";
import type { ServingTurns, TurnTaker } from "../../core/torrent/serving-turns.ts";
import type { AskedPiece } from "./asked-piece.ts";
import type { Happening } from "./event-queue.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";
import type { Outflow } from "./uplink.ts";

/** The asker's end of a connection. */
export interface BlockTaker {
  readonly isClosed: boolean;
  /** A block has come. */
  arrived(piece: AskedPiece, length: number, nowMs: number): void;
}

/** The giver's end of a connection: what it was asked for and has not sent. */
export class OwedBlocks implements Outflow, TurnTaker {
  isInTurn = false;
  readonly from: SimulatedHost;
  readonly to: SimulatedHost;
  readonly taker: BlockTaker;
  readonly #network: Network;
  #first: AskedPiece | undefined;
  #last: AskedPiece | undefined;
  #sending: Block | undefined;
  readonly #turns: ServingTurns | undefined;
  /** The piece of which a part has been sent. */
  #begun: AskedPiece | undefined;

  constructor(deps: {
    readonly from: SimulatedHost;
    readonly to: SimulatedHost;
    readonly taker: BlockTaker;
    readonly network: Network;
    readonly turns: ServingTurns | undefined;
  }) {
    this.from = deps.from;
    this.to = deps.to;
    this.taker = deps.taker;
    this.#network = deps.network;
    this.#turns = deps.turns;
  }

  /** Bytes of a piece were asked for. */
  add(piece: AskedPiece, length: number): void {
    if (!piece.isOwed) this.#append(piece);
    piece.owed += length;
  }

  next(nowMs: number): number {
    if (this.taker.isClosed || this.from.isGone || this.to.isGone) {
      this.#turns?.leave(this, nowMs);
      return 0;
    }
    while (this.#first?.owed === 0) this.#shift(this.#first);
    const piece = this.#first;
    if (!piece) {
      this.leave(nowMs);
      return 0;
    }
    if (!this.#hasTurn(piece, nowMs)) {
      this.#turns?.rest(this, nowMs);
      return 0;
    }
    const length = Math.min(blockLengthBulk, Math.ceil(piece.length / 4), piece.owed);
    this.#sending = new Block(this, piece, length);
    piece.owed -= length;
    return length;
  }

  sent(startMs: number, endMs: number): void {
    if (this.#sending && !this.from.isGone) this.#network.carry(this.#sending, { startMs, endMs });
  }

  /** Nothing is wanted any more. */
  leave(nowMs: number): void {
    this.#turns?.leave(this, nowMs);
  }

  onTurn(): void {
    this.from.uplink.wake(this);
  }

  /** A piece that is begun goes on; for the next one it may have to wait. */
  #hasTurn(piece: AskedPiece, nowMs: number): boolean {
    if (!this.#turns) return true;
    if (piece === this.#begun) this.#turns.goOn(this, nowMs);
    else if (!this.#turns.begin(this, nowMs)) return false;
    this.#begun = piece;
    return true;
  }

  #append(piece: AskedPiece): void {
    piece.isOwed = true;
    if (this.#last) this.#last.nextOwed = piece;
    else this.#first = piece;
    this.#last = piece;
  }

  #shift(piece: AskedPiece): void {
    piece.isOwed = false;
    this.#first = piece.nextOwed;
    piece.nextOwed = undefined;
    if (!this.#first) this.#last = undefined;
  }
}

/** A part of a piece on its way. */
class Block implements Happening {
  readonly flow: OwedBlocks;
  readonly piece: AskedPiece;
  readonly length: number;

  constructor(flow: OwedBlocks, piece: AskedPiece, length: number) {
    this.flow = flow;
    this.piece = piece;
    this.length = length;
  }

  get from(): SimulatedHost {
    return this.flow.from;
  }

  get to(): SimulatedHost {
    return this.flow.to;
  }

  /** It is there. */
  happen(nowMs: number): void {
    this.flow.taker.arrived(this.piece, this.length, nowMs);
  }
}
