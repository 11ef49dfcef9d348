import type { AskedPiece } from "./asked-piece.ts";
import type { Happening } from "./event-queue.ts";

/** The giver's end of a connection. */
export interface RequestTaker {
  /** Some of a piece was asked for. */
  owe(piece: AskedPiece, length: number): void;
}

/** A message that asks for bytes of a piece, and of others after it. */
export class Request implements Happening {
  readonly taker: RequestTaker;
  readonly piece: AskedPiece;
  length = 0;
  next: Request | undefined;

  constructor(taker: RequestTaker, piece: AskedPiece) {
    this.taker = taker;
    this.piece = piece;
  }

  /** It has come to the giver. */
  happen(): void {
    this.taker.owe(this.piece, this.length);
    this.next?.happen();
  }
}
