import type { ArrivingTorrent } from "../../core/torrent/arriving-torrent.ts";
import { Bitfield } from "../../core/torrent/bitfield.ts";
import { askersOfWholeMax, tickMs } from "../../core/torrent/limits.ts";
import { GivenPieces } from "../../core/torrent/given-pieces.ts";
import { type OfferedPeer, PieceOffers } from "../../core/torrent/piece-offers.ts";
import { ServingTurns } from "../../core/torrent/serving-turns.ts";
import type { Giver, SimulatedConnection } from "./connection.ts";
import type { Happening } from "./event-queue.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";
import { Places } from "./places.ts";
import type { Timeline } from "./timeline.ts";

export interface SeederDeps {
  readonly host: SimulatedHost;
  readonly torrent: ArrivingTorrent;
  readonly network: Network;
  readonly timeline: Timeline;
}

/** A dedicated seeder that has all of a blob. */
export class WholeSeeder implements Giver, Happening {
  readonly kind = "seeders";
  /** Of the one crowd that is simulated; a real one has new ones for the next. */
  readonly turns = new ServingTurns();
  readonly given: GivenPieces;
  readonly host: SimulatedHost;
  readonly #timeline: Timeline;
  readonly #have: Bitfield;
  readonly #places = new Places();

  constructor({ host, torrent, timeline }: SeederDeps) {
    this.given = new GivenPieces(torrent.layout.pieceCount);
    this.host = host;
    this.#have = Bitfield.full(torrent.layout.pieceCount);
    this.#timeline = timeline;
    timeline.at(tickMs, this);
  }

  /** Looks for lapsed bounds. */
  happen(nowMs: number): void {
    this.turns.tick(nowMs);
    this.given.tick(nowMs);
    this.#timeline.at(nowMs + tickMs, this);
  }

  join(connection: SimulatedConnection): Bitfield | undefined {
    if (this.host.connections >= this.host.connectionsMax) return undefined;
    if (!this.#places.take(connection, askersOfWholeMax)) return undefined;
    this.host.connections++;
    return this.#have;
  }

  leave(connection: SimulatedConnection): void {
    if (this.#places.leave(connection)) this.host.connections--;
  }

  asked(_: SimulatedConnection, index: number): void {
    this.given.add(index, this.#timeline.nowMs);
  }
}

/** A seeder that is still receiving the blob from its origin, and tells one node of each piece. */
export class GrowingSeeder implements Giver, Happening {
  readonly kind = "seeders";
  readonly host: SimulatedHost;
  readonly #deps: SeederDeps;
  readonly #offers: PieceOffers;
  readonly #listeners = new Map<SimulatedConnection, OfferedPeer>();
  readonly #places = new Places();
  #pieces = 0;

  constructor(deps: SeederDeps) {
    const { torrent, timeline } = deps;
    this.#deps = deps;
    this.host = deps.host;
    const { pieceCount } = torrent.layout;
    this.#offers = new PieceOffers({ pieceCount, now: () => timeline.nowMs });
  }

  /** Has its first `pieces` pieces. */
  grow(pieces: number): void {
    while (this.#pieces < pieces) this.#offers.gained(this.#pieces++);
  }

  /** Looks for lapsed bounds. */
  happen(nowMs: number): void {
    this.#offers.tick();
    this.#deps.timeline.at(nowMs + tickMs, this);
  }

  join(connection: SimulatedConnection): Bitfield | undefined {
    if (this.host.connections >= this.host.connectionsMax) return undefined;
    if (!this.#places.take(connection, askersOfWholeMax)) return undefined;
    this.host.connections++;
    const told = Bitfield.parse(this.#offers.told.toBytes(), this.#offers.told.pieceCount);
    const { network } = this.#deps;
    const peer = {
      onHave: (index: number) =>
        network.tell(this.host, connection.asker.host, () => {
          if (told.add(index)) connection.heard(index, false);
        }),
    };
    this.#listeners.set(connection, peer);
    this.#offers.join(peer);
    return told;
  }

  leave(connection: SimulatedConnection): void {
    const peer = this.#listeners.get(connection);
    this.#places.leave(connection);
    if (!peer || !this.#listeners.delete(connection)) return;
    this.host.connections--;
    this.#offers.leave(peer);
  }

  asked(connection: SimulatedConnection, index: number, isLast: boolean): void {
    const peer = this.#listeners.get(connection);
    if (peer) this.#offers.asked(peer, index, { isLast });
  }
}
