/** A piece that one source was asked for. All its bytes come from that source. */
export interface Assignment {
  readonly index: number;
  /** As long as the piece; from the pool of buffers. */
  readonly buffer: Buffer;
}

/** Kind of giver, for the account of bytes. */
export type SourceKind = "peers" | "seeders" | "webSeeds" | "origin";

/** Why a source does not give a piece. */
export interface Refusal {
  readonly reason: string;
  /** Nothing is wrong: it just has not got the blob. */
  readonly isExpected: boolean;
}

/** Somebody who gives pieces, as a download sees it. */
export interface PieceSource {
  readonly kind: SourceKind;
  /** Says which source it is, for blame and for logs. */
  readonly name: string;
  /** Has every piece, or is who receives the blob first; {@link has} tells what it has now. */
  readonly whole: boolean;
  /** The border of a zone lies between. Left out: it does not, as far as anybody knows. */
  readonly isFar?: boolean;
  has(index: number): boolean;
  /** Nothing came for the stall bound though bytes were asked for. */
  readonly stalled: boolean;
  /** When it last gave a byte; -Infinity when it never did. */
  readonly gaveAtMs: number;
  /** Bytes per second that it gave lately; 0 when unknown. */
  readonly rate: number;
  /** Bytes that will come before that piece is here; 0 when it is not asked for. */
  bytesUntil(index: number): number;
  /**
   * Milliseconds for which it has been asked for a piece and has not begun to give it; `undefined` once it
   * has. Left out: it begins at once.
   */
  waitedMs?(index: number): number | undefined;
  /** Asks its owner for assignments and the source for bytes, as many as it may. */
  fill(): void;
  /** The piece came from elsewhere. Gives its buffer, which is not touched any more. */
  cancel(index: number): Buffer | undefined;
  /** Ends it; its assignments are the owner's again. */
  close(reason: string): void;
}

/** What a source asks and tells its download. */
export interface SourceOwner {
  /** The next piece for a source that can take one; `undefined` when there is none now. */
  assign(source: PieceSource): Assignment | undefined;
  /** All bytes of a piece are here, unchecked. The assignment is the owner's again. */
  onPiece(source: PieceSource, assignment: Assignment): void;
  /** The source will not give that piece now. The assignment is the owner's again. */
  onGaveUp(source: PieceSource, assignment: Assignment, refusal: Refusal): void;
  /** The source has ended, with the assignments that it had. */
  onClosed(source: PieceSource, unfinished: readonly Assignment[], reason: string): void;
  /** A handler threw what the source cannot be blamed for: a bug. */
  onFault(source: PieceSource, error: unknown): void;
}
