import { farAskersPart } from "../../core/torrent/limits.ts";
import type { SimulatedConnection } from "./connection.ts";

/** Who holds a place with a node that serves a blob: `ServedTorrent` without what it gives. */
export class Places {
  readonly #ordinary = new Set<SimulatedConnection>();
  /** Those of other zones that came when all others were taken. */
  readonly #extra = new Set<SimulatedConnection>();

  /** Takes one of `max` places, or one of those that are kept for far nodes. Gives whether there was any. */
  take(connection: SimulatedConnection, max: number): boolean {
    if (this.#ordinary.size < max) {
      this.#ordinary.add(connection);
      return true;
    }
    if (!connection.isFar || this.#extra.size >= Math.ceil(max * farAskersPart)) return false;
    this.#extra.add(connection);
    return true;
  }

  /** Gives whether it held one. */
  leave(connection: SimulatedConnection): boolean {
    return this.#ordinary.delete(connection) || this.#extra.delete(connection);
  }
}
