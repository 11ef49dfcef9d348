import type { PieceSource } from "../../core/torrent/assignment.ts";
import type { Bitfield } from "../../core/torrent/bitfield.ts";
import { blockLengthBulk, silenceBoundMs, stallBoundMs } from "../../core/torrent/limits.ts";
import { RequestWindow } from "../../core/torrent/request-window.ts";
import { StallTimer } from "../../core/torrent/stall-timer.ts";
import type { Giver } from "./giver.ts";
import type { SimulatedHost } from "./host.ts";
import type { Network } from "./network.ts";
import type { Outflow } from "./uplink.ts";

/** A piece that is asked for on a connection. */
export interface AskedPiece {
  readonly index: number;
  readonly length: number;
  /** Bytes that the asker asked for and has. */
  requested: number;
  received: number;
  /** Bytes that the giver was asked for and has not sent. */
  owed: number;
  isCancelled: boolean;
}

/** The download to which a connection belongs. */
export interface Asker {
  readonly host: SimulatedHost;
  readonly isGrowing: boolean;
  /** Assigns a piece. Gives its length too; `undefined` when there is none now. */
  assign(
    source: SimulatedConnection,
  ): { readonly index: number; readonly length: number } | undefined;
  opened(connection: SimulatedConnection): void;
  /** Its peer has a piece more. @param wasComing The peer may have said that it was on its way. */
  gained(connection: SimulatedConnection, index: number, wasComing: boolean): void;
  /** A piece is, or is not any more, on its way to the peer from a source that has all. */
  intends(connection: SimulatedConnection, index: number, isComing: boolean): void;
  onPiece(source: SimulatedConnection, piece: AskedPiece): void;
  closed(connection: SimulatedConnection, unfinished: readonly AskedPiece[]): void;
}

export interface ConnectionDeps {
  readonly asker: Asker;
  readonly giver: Giver;
  readonly network: Network;
  readonly now: () => number;
  /** The giver was dialled before and gave nothing. */
  readonly isDoubtful: boolean;
}

/**
 * A connection over which one node asks another for pieces: `PieceClient` and `PieceServer` without
 * sockets. How much is asked for at once is decided by the same classes.
 */
export class SimulatedConnection implements PieceSource, Outflow {
  // What each word of a peer looks at comes first: with thousands of hosts no cache holds them all.
  readonly #asker: Asker;
  #have: Bitfield | undefined;
  #isClosed = false;
  #isStalled = false;
  /** Its peer had not every piece when it came; the asker's own. */
  isPartial = false;
  /** The giver serves others instead. */
  isRefused = false;
  #outstanding = 0;
  /** Bytes that may be outstanding when more is asked for: half of the window. */
  #refillAt: number;
  #hasGiven = false;
  readonly isFar: boolean;
  readonly #asked: AskedPiece[] = [];
  readonly #owed: AskedPiece[] = [];
  readonly #from: SimulatedHost;
  readonly #to: SimulatedHost;
  #sending: AskedPiece | undefined;
  #sendingLength = 0;
  isInTurn = false;
  readonly deps: ConnectionDeps;
  readonly kind: "peers" | "seeders";
  readonly isNear: boolean;
  readonly #window: RequestWindow;
  readonly #stall = new StallTimer(stallBoundMs);
  #gaveAtMs = -Infinity;

  constructor(deps: ConnectionDeps) {
    const { asker, giver, network, now } = deps;
    this.deps = deps;
    this.#asker = asker;
    this.#from = giver.host;
    this.#to = asker.host;
    this.kind = giver.kind;
    this.isFar = asker.host.zone !== giver.host.zone;
    this.isNear = !this.isFar;
    const roundTripMs = network.roundTripMs(asker.host, giver.host);
    this.#window = new RequestWindow({ roundTripMs, nowMs: now() });
    this.#refillAt = Math.floor(this.#window.bytes / 2);
  }

  get name(): string {
    return this.deps.giver.host.address.host;
  }

  get isOpen(): boolean {
    return this.#have !== undefined && !this.#isClosed;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get have(): Bitfield | undefined {
    return this.#have;
  }

  /** As `PieceClient` has it. */
  get whole(): boolean {
    if (!this.#have) return false;
    if (this.deps.asker.isGrowing) return this.kind === "seeders";
    return this.#have.isFull && !this.isPartial;
  }

  get stalled(): boolean {
    return this.#isStalled || (this.deps.isDoubtful && !this.#hasGiven);
  }

  get rate(): number {
    return this.#window.rate;
  }

  get gaveAtMs(): number {
    return this.#gaveAtMs;
  }

  get hasGiven(): boolean {
    return this.#hasGiven;
  }

  get isBusy(): boolean {
    return this.#outstanding > 0;
  }

  has(index: number): boolean {
    if (!this.#have?.has(index)) return false;
    for (const piece of this.#asked) if (piece.index === index) return false;
    return true;
  }

  bytesUntil(index: number): number {
    let bytes = 0;
    for (const piece of this.#asked) {
      bytes += piece.length - piece.received;
      if (piece.index === index) return bytes;
    }
    return 0;
  }

  /** Handshakes are done. @param have kept up to date by the giver. */
  open(have: Bitfield): void {
    this.#have = have;
    this.deps.asker.opened(this);
    this.fill();
  }

  fill(): void {
    if (this.#outstanding > this.#refillAt || this.#isStalled || !this.isOpen) return;
    let piece = this.#lastUnasked();
    if (!piece) return;
    const wasIdle = this.#outstanding === 0;
    const blockLength = Math.min(blockLengthBulk, this.#window.blockLength);
    const wanted: { readonly piece: AskedPiece; length: number }[] = [];
    while (piece) {
      const length = Math.min(blockLength, piece.length - piece.requested);
      piece.requested += length;
      this.#outstanding += length;
      const last = wanted.at(-1);
      if (last?.piece === piece) last.length += length;
      else wanted.push({ piece, length });
      piece = this.#outstanding < this.#window.bytes ? this.#lastUnasked() : undefined;
    }
    const { network, now } = this.deps;
    network.tell(this.#to, this.#from, () => {
      for (const { piece, length } of wanted) this.#owe(piece, length);
    });
    if (!wasIdle) return;
    this.#window.restart(now());
    this.#stall.restart(now());
  }

  cancel(index: number): undefined {
    const place = this.#asked.findIndex((piece) => piece.index === index);
    const [piece] = place < 0 ? [] : this.#asked.splice(place, 1);
    if (!piece) return;
    piece.isCancelled = true;
    this.#outstanding -= piece.requested - piece.received;
    if (this.#outstanding === 0) this.#stall.stop();
    const { asker, giver, network } = this.deps;
    network.tell(asker.host, giver.host, () => {
      piece.owed = 0;
    });
  }

  /** The peer has told of a piece, which is in {@link have}. */
  heard(index: number, wasComing: boolean): void {
    if (this.isOpen) this.#asker.gained(this, index, wasComing);
  }

  heardIntent(index: number, isComing: boolean): void {
    if (this.isOpen) this.deps.asker.intends(this, index, isComing);
  }

  /** The giver's end: tells this peer alone of what all others know. */
  tellIntent(index: number, isComing: boolean): void {
    const { asker, giver, network } = this.deps;
    network.tell(giver.host, asker.host, () => this.heardIntent(index, isComing));
  }

  /** Looks for lapsed bounds. */
  tick(nowMs: number): void {
    if (!this.isOpen) return;
    this.#isStalled = this.#stall.isStalled(nowMs);
    if (this.#stall.silentMs(nowMs) > silenceBoundMs) this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const piece of this.#asked) piece.isCancelled = true;
    this.deps.asker.closed(this, this.#asked);
    const { asker, giver, network } = this.deps;
    network.tell(asker.host, giver.host, () => giver.leave(this));
  }

  /** The giver's end: takes the next block off what is owed. */
  next(): number {
    if (this.#isClosed || this.#from.isGone || this.#to.isGone) return 0;
    while (this.#owed[0]?.owed === 0) this.#owed.shift();
    const piece = this.#owed[0];
    if (!piece) return 0;
    const length = Math.min(blockLengthBulk, Math.ceil(piece.length / 4), piece.owed);
    this.#sending = piece;
    this.#sendingLength = length;
    piece.owed -= length;
    return length;
  }

  sent(startMs: number, endMs: number): void {
    const from = this.#from;
    const piece = this.#sending;
    const length = this.#sendingLength;
    if (!piece || from.isGone) return;
    const passing = { startMs, endMs };
    this.deps.network.carry(length, { from, to: this.#to, passing }, () =>
      this.#arrived(piece, length),
    );
  }

  /** The piece of which a block is to be asked for next: one that is begun, or a new one. */
  #lastUnasked(): AskedPiece | undefined {
    const last = this.#asked.at(-1);
    if (last && last.requested < last.length) return last;
    const assigned = this.#asker.assign(this);
    if (!assigned) return undefined;
    const piece = { ...assigned, requested: 0, received: 0, owed: 0, isCancelled: false };
    this.#asked.push(piece);
    return piece;
  }

  #owe(piece: AskedPiece, length: number): void {
    const { giver } = this.deps;
    if (piece.isCancelled || this.#from.isGone) return;
    if (!this.#owed.includes(piece)) this.#owed.push(piece);
    piece.owed += length;
    giver.asked(this, piece.index, piece.requested === piece.length);
    this.#from.uplink.wake(this);
  }

  #arrived(piece: AskedPiece, length: number): void {
    if (this.#isClosed || piece.isCancelled || this.#to.isGone) return;
    const nowMs = this.deps.now();
    this.#gaveAtMs = nowMs;
    this.#hasGiven = true;
    this.#isStalled = false;
    this.#window.received(length, nowMs);
    this.#refillAt = Math.floor(this.#window.bytes / 2);
    this.#outstanding -= length;
    piece.received += length;
    if (this.#outstanding > 0) this.#stall.restart(nowMs);
    else this.#stall.stop();
    if (piece.received === piece.length) {
      this.#asked.splice(this.#asked.indexOf(piece), 1);
      this.#asker.onPiece(this, piece);
    }
    this.fill();
  }
}
