import { codeOf } from "../errors.ts";
import { pieceLayoutOf } from "../piece-layout.ts";
import { Bitfield } from "./bitfield.ts";
import type { LingeringTorrents } from "./lingering-torrents.ts";
import { PieceOffers } from "./piece-offers.ts";
import { ServedTorrent } from "./served-torrent.ts";
import type { SwarmCommand } from "./worker-protocol.ts";

/** A node that learnt of a growing blob before it was whole connects within this time. */
const graceMs = 30_000;

export interface GrowingSeedsDeps {
  readonly now: () => number;
  readonly serve: (torrent: ServedTorrent) => void;
  readonly forget: (torrent: ServedTorrent) => void;
  readonly lingering: LingeringTorrents;
  readonly onWarning: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

interface GrowingSeed {
  readonly torrent: ServedTorrent;
  readonly have: Bitfield;
}

/** The blobs that the engine offers while they are being received, by their numbers. */
export class GrowingSeeds implements Disposable {
  readonly #deps: GrowingSeedsDeps;
  readonly #seeds = new Map<number, GrowingSeed>();

  constructor(deps: GrowingSeedsDeps) {
    this.#deps = deps;
  }

  start(blob: Extract<SwarmCommand, { type: "seedGrowing" }>): void {
    const { id, infoHash, size, path, movedTo } = blob;
    const { now, serve, onWarning } = this.#deps;
    const layout = pieceLayoutOf(size);
    const { pieceCount } = layout;
    const offers = new PieceOffers({ pieceCount, now });
    const have = new Bitfield(pieceCount);
    const what = { infoHash, layout, path, isGrowing: true };
    const torrent = new ServedTorrent({ ...what, partial: have, offers });
    this.#seeds.set(id, { torrent, have });
    serve(torrent);
    torrent.hold({ movedTo }).catch((error: unknown) => {
      onWarning("cannot offer a growing blob", { infoHash, code: codeOf(error) });
      this.stop(id);
    });
  }

  /** A blob has its first `pieces` pieces. */
  grow(id: number, pieces: number): void {
    const seed = this.#seeds.get(id);
    if (!seed) return;
    const { torrent, have } = seed;
    for (let index = have.held; index < pieces; index++) {
      have.add(index);
      torrent.gained(index);
    }
  }

  /** A blob is not offered any more; who fetches a whole one may end it. */
  stop(id: number): void {
    const seed = this.#seeds.get(id);
    if (!seed) return;
    this.#seeds.delete(id);
    const { forget, lingering } = this.#deps;
    if (seed.have.isFull) lingering.add(seed.torrent, { graceMs });
    else forget(seed.torrent);
  }

  /** Looks for lapsed bounds. */
  tick(): void {
    for (const { torrent } of this.#seeds.values()) torrent.tick();
  }

  [Symbol.dispose](): void {
    for (const { torrent } of this.#seeds.values()) this.#deps.forget(torrent);
    this.#seeds.clear();
  }
}
