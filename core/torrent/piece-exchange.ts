import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { BytesReceived } from "../ports/swarm.ts";
import type { ArrivingBlob } from "./arriving-blob.ts";
import type { Assignment, PieceSource } from "./assignment.ts";
import type { DownloadEvents } from "./download-events.ts";
import type { PieceBuffers } from "./download-shares.ts";
import type { PieceChoice } from "./piece-choice.ts";
import type { PieceGivers } from "./piece-givers.ts";
import type { PieceHashes } from "./piece-hashes.ts";
import type { PiecePicker } from "./piece-picker.ts";

/**
 * Pieces that are fetched from afar at once, while there are near nodes to do so as well: what
 * one of them has asked for the others wait for. Of short pieces enough for a fast way with a
 * round trip of 20 ms.
 */
const crossingsMax = 16;

export interface PieceExchangeDeps {
  readonly layout: PieceLayout;
  readonly hashes: PieceHashes;
  readonly blob: ArrivingBlob;
  readonly picker: PiecePicker;
  readonly givers: PieceGivers;
  readonly choice: Pick<PieceChoice, "next">;
  readonly buffers: PieceBuffers;
  readonly events: DownloadEvents;
  /** A source gave a piece that is none of the blob. */
  readonly onWrongPiece: (source: PieceSource, index: number) => void;
  /** A right piece came, from one of these or from a stock client. */
  readonly onRightPiece: (from: Pick<PieceSource, "kind" | "isFar">) => void;
  /** A piece is in the file. */
  readonly onWritten: () => void;
  readonly onWriteFailed: (error: Error) => void;
}

/**
 * What becomes of the pieces of one download: hands them out to sources, checks what they
 * give, and writes it. A piece that a source does not give after all is handed out again.
 */
export class PieceExchange {
  /** Pieces that are being fetched from sources that have the whole blob, or from afar. */
  readonly intents = new Set<number>();
  /** Pieces that far sources were asked for. */
  readonly #crossing = new Set<number>();
  readonly #deps: PieceExchangeDeps;
  readonly #received = { peers: 0, seeders: 0, webSeeds: 0, origin: 0 };

  constructor(deps: PieceExchangeDeps) {
    this.#deps = deps;
  }

  /** Bytes of right pieces, by kind of giver. */
  get received(): BytesReceived {
    return { ...this.#received };
  }

  /** Gives a source a piece to get, and room for it; `undefined` when there is none now. */
  assign(source: PieceSource): Assignment | undefined {
    const { buffers, layout, choice, picker, givers } = this.#deps;
    const isCrossing = source.isFar === true && picker.hasNearPeers;
    if (isCrossing && this.#crossings() >= crossingsMax) return undefined;
    // Before anything is chosen: while there is no room, all that are idle come again and again.
    if (!buffers.hasRoom(pieceLengthAt(layout, 0))) return undefined;
    const index = choice.next(source);
    if (index === undefined) return undefined;
    const buffer = buffers.take(pieceLengthAt(layout, index));
    if (!buffer) {
      if (!givers.has(index)) picker.putBack(index);
      return undefined;
    }
    givers.add(index, source);
    if (isCrossing) this.#crossing.add(index);
    if (source.whole || source.isFar) this.#intend(index);
    return { index, buffer };
  }

  /** A source gave all bytes of a piece. */
  take(source: PieceSource, assignment: Assignment): void {
    const { hashes, givers, onWrongPiece } = this.#deps;
    const { index, buffer } = assignment;
    if (!hashes.fits(index, buffer)) {
      this.giveUp(source, assignment);
      onWrongPiece(source, index);
      return;
    }
    givers.remove(index, source);
    this.#settle(index, source);
    this.#received[source.kind] += buffer.length;
    this.#keep(index, buffer);
  }

  /** A piece came that nobody was asked for. */
  async takeForeign(index: number, bytes: Uint8Array): Promise<void> {
    const { hashes, picker } = this.#deps;
    if (!picker.isMissing(index) || !hashes.fits(index, bytes)) return;
    this.#settle(index, { kind: "peers" });
    this.#received.peers += bytes.byteLength;
    await this.#write(index, bytes);
  }

  /** A source will not give a piece: it is for others, unless one has it already. */
  giveUp(source: PieceSource, { index, buffer }: Assignment): void {
    const { givers, picker, events } = this.#deps;
    if (givers.remove(index, source)) {
      this.#crossing.delete(index);
      picker.putBack(index);
      if (this.intents.delete(index)) events.onIntent(index, false);
    }
    this.#deps.buffers.giveBack(buffer);
  }

  /** A source begins to give a piece: those that were asked as well, and have not begun, need not. */
  begun(source: PieceSource, index: number): void {
    const { givers } = this.#deps;
    for (const other of givers.redundant(index, source)) {
      givers.remove(index, other);
      if (other.isFar) this.#crossing.delete(index);
      this.#cancel(other, index);
    }
  }

  /** Pieces that come from afar; those that do not, or take long, leave their place to others. */
  #crossings(): number {
    const { givers } = this.#deps;
    let count = 0;
    for (const index of this.#crossing) {
      if (!givers.isStalled(index) && !givers.isLongWait(index)) count++;
    }
    return count;
  }

  /** Tells other nodes that a piece is on its way here from where all could get it. */
  #intend(index: number): void {
    if (this.intents.has(index)) return;
    this.intents.add(index);
    this.#deps.events.onIntent(index, true);
  }

  /** A right piece came: nobody else is asked for it any more. */
  #settle(index: number, from: Pick<PieceSource, "kind" | "isFar">): void {
    const { givers, picker, onRightPiece } = this.#deps;
    const losers = givers.settle(index);
    this.#crossing.delete(index);
    // Before others are asked for more: they must not be asked for this one again.
    picker.done(index);
    for (const loser of losers) this.#cancel(loser, index);
    onRightPiece(from);
  }

  #cancel(source: PieceSource, index: number): void {
    const buffer = source.cancel(index);
    if (buffer) this.#deps.buffers.giveBack(buffer);
    source.fill();
  }

  /** Writes a piece in a buffer of the pool. */
  #keep(index: number, buffer: Buffer): void {
    this.#write(index, buffer)
      .catch((error: unknown) => this.#deps.onWriteFailed(error as Error))
      .finally(() => this.#deps.buffers.giveBack(buffer));
  }

  async #write(index: number, bytes: Uint8Array): Promise<void> {
    const { blob, events, onWritten } = this.#deps;
    await blob.write(index, bytes);
    this.intents.delete(index);
    events.onPiece(index, this.received);
    onWritten();
  }
}
