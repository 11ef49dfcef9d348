import type { Bitfield } from "../../core/torrent/bitfield.ts";
import type { GivenPieces } from "../../core/torrent/given-pieces.ts";
import type { ServingTurns } from "../../core/torrent/serving-turns.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { SimulatedHost } from "./host.ts";

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
