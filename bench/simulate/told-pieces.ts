import { Bitfield } from "../../core/torrent/bitfield.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";

/** What a node that downloads tells those who ask it: pieces that it has, and that it will have. */
export class ToldPieces {
  readonly #host: SimulatedHost;
  readonly #network: Network;
  /** Pieces of which all that listen know. */
  readonly #told: Bitfield;
  /** Pieces that we are fetching, as was told, and those of which it ever was. */
  readonly #intents = new Set<number>();
  readonly #intended: Bitfield;
  readonly #listeners = new Set<SimulatedConnection>();

  constructor(deps: {
    readonly host: SimulatedHost;
    readonly network: Network;
    readonly pieceCount: number;
  }) {
    this.#host = deps.host;
    this.#network = deps.network;
    this.#told = new Bitfield(deps.pieceCount);
    this.#intended = new Bitfield(deps.pieceCount);
  }

  /** Tells one more. Gives the pieces of which it knows, kept up to date. */
  join(listener: SimulatedConnection): Bitfield {
    this.#listeners.add(listener);
    for (const index of this.#intents) listener.tellIntent(index, true);
    return this.#told;
  }

  leave(listener: SimulatedConnection): void {
    this.#listeners.delete(listener);
  }

  /** A piece is here. All hear of it when the farthest one does: that is one event, and not one for each. */
  add(index: number): void {
    this.#intents.delete(index);
    const wasComing = this.#intended.has(index);
    this.#network.tellAll(() => {
      if (this.#host.isGone) return;
      this.#told.add(index);
      for (const listener of this.#listeners) listener.heard(index, wasComing);
    });
  }

  /** A piece will be here. */
  intend(index: number): void {
    if (this.#intents.has(index)) return;
    this.#intents.add(index);
    this.#intended.add(index);
    this.#tellIntent(index, true);
  }

  /** It will not. */
  giveUp(index: number): void {
    if (this.#intents.delete(index)) this.#tellIntent(index, false);
  }

  #tellIntent(index: number, isComing: boolean): void {
    this.#network.tellAll(() => {
      for (const listener of this.#listeners) listener.heardIntent(index, isComing);
    });
  }
}
