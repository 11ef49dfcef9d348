import type { AskedPiece } from "./asked-piece.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { SimulatedHost } from "./host.ts";

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
