/**
 * A piece that is asked for on a connection. Those of one connection are few, and hold on to each
 * other themselves: a hundred thousand connections need no lists that are empty or nearly so.
 */
export class AskedPiece {
  readonly index: number;
  readonly length: number;
  readonly askedAtMs: number;
  /** Bytes that the asker asked for and has. */
  requested = 0;
  received = 0;
  /** Bytes that the giver was asked for and has not sent. */
  owed = 0;
  isCancelled = false;
  /** It stands among what the giver owes. */
  isOwed = false;
  /** What was asked for next on the connection, and what the giver owes next. */
  nextAsked: AskedPiece | undefined;
  nextOwed: AskedPiece | undefined;

  constructor(index: number, length: number, askedAtMs: number) {
    this.index = index;
    this.length = length;
    this.askedAtMs = askedAtMs;
  }
}
