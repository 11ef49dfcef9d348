import { DataLossError, UnavailableError } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { PeerAddress } from "../peer-address.ts";
import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { Place } from "../topology.ts";
import type { Bitfield } from "./bitfield.ts";
import { askersOfWholeMax, crowdedPiecesMin, farAskersPart } from "./limits.ts";
import { GivenPieces } from "./given-pieces.ts";
import { PieceFile } from "./piece-file.ts";
import type { PieceOffers } from "./piece-offers.ts";
import { ServingTurns } from "./serving-turns.ts";
import type { Block } from "./wire-message.ts";

/** Somebody who is told of pieces as they arrive. */
export interface HaveListener {
  /** It is far, and came when all places were taken. */
  readonly isExtra?: boolean;
  /** It is no node: it takes no place of one, and has no part in their turns. */
  readonly isGuest?: boolean;
  onHave(index: number): void;
  /** A piece is, or is not any more, on its way from a source that has all pieces. */
  onIntent(index: number, isComing: boolean): void;
  /** Others have asked for pieces. */
  onGiven?(indexes: readonly number[]): void;
  close(reason: string): void;
}

/**
 * What we can give of one blob: all of it, or the pieces of a download so far. Costs
 * some hundred bytes while nobody asks; the file is open only while somebody does, or while it
 * is held.
 */
export class ServedTorrent {
  readonly infoHash: InfoHash;
  readonly layout: PieceLayout;
  /** It is the torrent of a blob that nobody had whole when it began: ours alone to speak of. */
  readonly isGrowing: boolean;
  /** Decides who is told of which piece; without it everybody is told of all. */
  readonly #offers: PieceOffers | undefined;
  /** While it is not whole. */
  readonly #askersMax: number;
  readonly #listeners = new Set<HaveListener>();
  #extraCount = 0;
  #guestCount = 0;
  #path: string;
  /** `undefined` when we have every piece. */
  #partial: Bitfield | undefined;
  #file: Promise<PieceFile> | undefined;
  #isSeeded = false;
  #isHeld = false;
  #turns: ServingTurns | undefined;
  /** What those who listen have asked for, where the first of them came when all was here. */
  #given: GivenPieces | undefined;
  /** What of it others are to be told, by who has asked. */
  readonly #untold = new Map<HaveListener, number[]>();
  uploadedBytes = 0;
  /** Pieces on their way from sources that have all, while we download. */
  readonly intents: ReadonlySet<number>;
  /** Called with where a peer that would ask for pieces takes connections itself, and where it is. */
  onPeer: ((address: PeerAddress, place: Place | undefined) => void) | undefined;

  constructor(torrent: {
    readonly infoHash: InfoHash;
    readonly layout: PieceLayout;
    readonly path: string;
    readonly partial?: Bitfield;
    readonly intents?: ReadonlySet<number>;
    readonly isGrowing?: boolean;
    readonly offers?: PieceOffers;
    /** Nodes that may ask at once while it is not whole. */
    readonly askersMax?: number;
  }) {
    this.infoHash = torrent.infoHash;
    this.layout = torrent.layout;
    this.#path = torrent.path;
    this.#partial = torrent.partial;
    this.intents = torrent.intents ?? new Set();
    this.isGrowing = torrent.isGrowing ?? false;
    this.#offers = torrent.offers;
    this.#askersMax = torrent.askersMax ?? askersOfWholeMax;
  }

  get whole(): boolean {
    return this.#partial === undefined;
  }

  /** The pieces that a peer is told of when it comes; `undefined` when we have all. */
  get told(): Bitfield | undefined {
    return this.#offers?.told ?? this.#partial;
  }

  /** Connections on which pieces are given. */
  get listeners(): ReadonlySet<HaveListener> {
    return this.#listeners;
  }

  /** Who of those that listen may begin a piece. */
  get turns(): ServingTurns | undefined {
    return this.#turns;
  }

  /** Whether as many nodes ask as are served at once. */
  get isCrowded(): boolean {
    if (this.layout.pieceCount < crowdedPiecesMin) return false;
    return this.#nodeCount - this.#extraCount >= this.#places;
  }

  /** Whether a far node may be served though it is crowded. */
  get hasExtraPlace(): boolean {
    return this.#extraCount < Math.ceil(this.#places * farAskersPart);
  }

  has(index: number): boolean {
    return this.#partial?.has(index) ?? index < this.layout.pieceCount;
  }

  /** Whether it was given as whole by {@link seed}, so that it outlives its download. */
  get isSeeded(): boolean {
    return this.#isSeeded;
  }

  /** All pieces are here. */
  complete(): void {
    this.#partial = undefined;
  }

  /** All pieces are here, and the file is at `path` from now on. */
  seed(path: string): void {
    this.complete();
    this.#path = path;
    this.#isSeeded = true;
  }

  /** Tells those who listen of a piece that was added to the bitfield. */
  gained(index: number): void {
    if (this.#offers) this.#offers.gained(index);
    else for (const listener of this.#listeners) listener.onHave(index);
  }

  /** A peer that listens has asked for a part of a piece. */
  asked(listener: HaveListener, { index, begin, length }: Block): void {
    if (!this.#offers) return;
    const isLast = begin + length === pieceLengthAt(this.layout, index);
    this.#offers.asked(listener, index, { isLast });
  }

  /** A piece is about to leave for a peer that listens, which others can then have it from. */
  gives(listener: HaveListener, index: number, nowMs: number): void {
    if (this.#given?.add(index, nowMs)) this.#noteUntold(index, listener);
  }

  /** Pieces that somebody has asked for lately, of which others need not ask. */
  given(nowMs: number): Iterable<number> {
    this.#given?.tick(nowMs);
    return this.#given ?? [];
  }

  /** Tells those who listen which pieces need not be fetched from where we fetch them. */
  intends(index: number, isComing: boolean): void {
    for (const listener of this.#listeners) listener.onIntent(index, isComing);
  }

  /** Looks for lapsed bounds. */
  tick(): void {
    this.#offers?.tick();
  }

  listen(listener: HaveListener): void {
    if (this.#nodeCount === 0 && !listener.isGuest) this.#begin();
    if (!this.#listeners.has(listener)) this.#count(listener, 1);
    this.#listeners.add(listener);
    this.#offers?.join(listener);
  }

  unlisten(listener: HaveListener): void {
    if (this.#listeners.delete(listener)) this.#count(listener, -1);
    this.#offers?.leave(listener);
    if (this.#nodeCount === 0) this.#turns = this.#given = undefined;
    if (this.#listeners.size === 0 && !this.#isHeld) void this.#closeFile();
  }

  /**
   * Opens the file and keeps it open, wherever it is moved to, until this is closed.
   *
   * @param options `movedTo`: where it is looked for when it was moved already.
   * @throws {DataLossError} when there is no such file. @throws {UnavailableError} else
   */
  async hold({ movedTo }: { readonly movedTo?: string | undefined } = {}): Promise<void> {
    this.#isHeld = true;
    await (this.#file ??= this.#openEither(movedTo));
  }

  /**
   * Reads bytes of pieces that we have, for somebody who listens.
   *
   * @throws {DataLossError} when the file lost them.
   * @throws {UnavailableError} when it cannot be opened, or nobody listens any more.
   */
  async read(buffer: Uint8Array, position: number): Promise<void> {
    if (this.#listeners.size === 0) throw new UnavailableError("Cannot read piece: nobody listens");
    const opening = (this.#file ??= PieceFile.open(this.#path, "r"));
    try {
      const file = await opening;
      await file.read(buffer, position);
    } catch (error) {
      // The next one tries again, with a file that may have moved.
      if (this.#file === opening) void this.#closeFile();
      throw error;
    }
  }

  /** Hangs up on everybody, and holds the file no longer. */
  close(reason: string): void {
    for (const listener of this.#listeners) listener.close(reason);
    if (this.#isHeld) void this.#closeFile();
    this.#isHeld = false;
  }

  get #places(): number {
    return this.whole ? askersOfWholeMax : this.#askersMax;
  }

  get #nodeCount(): number {
    return this.#listeners.size - this.#guestCount;
  }

  /** The first of a crowd has come. */
  #begin(): void {
    // Who receives a growing blob deals its pieces one by one; who downloads tells what it fetches.
    if (this.#offers) return;
    this.#turns = new ServingTurns();
    if (this.whole) this.#given = new GivenPieces(this.layout.pieceCount);
  }

  /** Others are told at the end of the turn: many ask for many pieces at once. */
  #noteUntold(index: number, asker: HaveListener): void {
    if (this.#untold.size === 0) queueMicrotask(() => this.#tellGiven());
    const untold = this.#untold.get(asker);
    if (untold) untold.push(index);
    else this.#untold.set(asker, [index]);
  }

  #tellGiven(): void {
    const untold = [...this.#untold];
    this.#untold.clear();
    for (const listener of this.#listeners) {
      const indexes = untold.flatMap(([asker, theirs]) => (asker === listener ? [] : theirs));
      if (indexes.length > 0) listener.onGiven?.(indexes);
    }
  }

  #count({ isExtra, isGuest }: HaveListener, change: 1 | -1): void {
    if (isExtra) this.#extraCount += change;
    if (isGuest) this.#guestCount += change;
  }

  async #openEither(movedTo: string | undefined): Promise<PieceFile> {
    try {
      return await PieceFile.open(this.#path, "r");
    } catch (error) {
      if (movedTo === undefined || !(error instanceof DataLossError)) throw error;
      this.#path = movedTo;
      return PieceFile.open(movedTo, "r");
    }
  }

  async #closeFile(): Promise<void> {
    const opening = this.#file;
    this.#file = undefined;
    // Whoever reads is told why a file could not be opened; nobody misses one that is closed.
    await opening?.then((file) => file.close()).catch(() => undefined);
  }
}
