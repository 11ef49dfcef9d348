import type { Socket } from "node:net";

import { InvalidArgumentError } from "../errors.ts";
import type { Passage } from "../limits/passage.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import type { Buffers } from "./host-shares.ts";
import { blockLengthBulk, tickMs } from "./limits.ts";
import type { ServedTorrent } from "./served-torrent.ts";
import type { TurnTaker } from "./serving-turns.ts";
import { type Block, encodePieceHeader } from "./wire-message.ts";

/** Requests that may wait on one connection: a window of 8 MiB in blocks of 16 KiB. */
const requestsMax = 512;

/** Blocks of one connection that are in memory: one being read while one is being sent. */
const blocksHeldMax = 2;

/** Pause before a full pool of buffers is asked again. */
const poolRetryMs = 20;

/** How often it is looked whether those whose turn it is are slow. */
const turnRetryMs = tickMs;

export interface BlockSenderDeps {
  readonly socket: Socket;
  readonly torrent: ServedTorrent;
  readonly buffers: Buffers;
  /** What is given goes through it. */
  readonly passage: Passage;
  readonly now: () => number;
  /** A block was written to the socket. */
  readonly onSent: (length: number) => void;
  /** The peer has taken a block. */
  readonly onTaken: () => void;
  /** A block cannot be read, or what follows it not be sent. */
  readonly onError: (error: unknown) => void;
}

/** Reads the blocks that a peer has asked for and sends them, in order, as fast as it takes them. */
export class BlockSender implements TurnTaker {
  readonly #deps: BlockSenderDeps;
  #requests: Block[] = [];
  #blocksHeld = 0;
  #isReading = false;
  /** The first of the requests has gone through the limit. */
  #isPassed = false;
  /** The piece of which a part has been sent. */
  #begun: number | undefined;
  #poolRetry: NodeJS.Timeout | undefined;
  #turnRetry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: BlockSenderDeps) {
    this.#deps = deps;
  }

  /** Whether something is asked for that has not left. */
  get isBusy(): boolean {
    return this.#requests.length > 0 || this.isSending;
  }

  /** Whether a block is on its way to the peer. */
  get isSending(): boolean {
    return this.#blocksHeld > 0;
  }

  /** @throws {InvalidArgumentError} when too much is asked for at once. */
  add(block: Block): void {
    if (this.#requests.length >= requestsMax) {
      throw new InvalidArgumentError("Cannot serve peer: too many requests");
    }
    this.#requests.push(block);
  }

  /** Forgets a block that has not set out. */
  drop({ index, begin }: Block): void {
    const first = this.#requests[0];
    this.#requests = this.#requests.filter(
      (request) => request.index !== index || request.begin !== begin,
    );
    if (this.#requests[0] === first) return;
    this.#deps.passage.cancel();
    this.#isPassed = false;
    this.sendNext();
  }

  onTurn(): void {
    clearTimeout(this.#turnRetry);
    this.#turnRetry = undefined;
    this.sendNext();
  }

  /** Sends what may be sent now. */
  sendNext(): void {
    if (this.#isClosed) return;
    this.#takeNext();
    const { torrent, passage, now } = this.#deps;
    if (this.isSending || passage.isWaiting || this.#poolRetry !== undefined) return;
    if (this.isBusy) torrent.turns?.rest(this, now());
    else this.#leaveTurns();
  }

  close(): void {
    this.#isClosed = true;
    this.#requests = [];
    this.#deps.passage.cancel();
    clearTimeout(this.#poolRetry);
    this.#leaveTurns();
  }

  /** Reads the next block while the one before is being sent. */
  #takeNext(): void {
    if (this.#isReading || this.#blocksHeld >= blocksHeldMax) return;
    const block = this.#requests[0];
    const { passage } = this.#deps;
    if (!block || passage.isWaiting || !this.#hasTurn(block)) return;
    this.#isPassed ||= passage.pass(block.length, () => {
      this.#isPassed = true;
      this.sendNext();
    });
    // Before it takes room, for many may wait.
    if (!this.#isPassed) return;
    const buffer = this.#deps.buffers.take(blockLengthBulk);
    if (!buffer) {
      this.#poolRetry ??= setTimeout(() => {
        this.#poolRetry = undefined;
        this.sendNext();
      }, poolRetryMs);
      return;
    }
    this.#requests.shift();
    this.#setOut(block);
    this.#send(block, buffer).catch((error: unknown) => this.#deps.onError(error));
  }

  /** A piece that is begun goes on; for the next one it may have to wait. */
  #hasTurn({ index }: Block): boolean {
    const { torrent, now } = this.#deps;
    if (index === this.#begun) return true;
    if (torrent.turns?.begin(this, now()) === false) {
      this.#turnRetry ??= setTimeout(() => {
        this.#turnRetry = undefined;
        torrent.turns?.tick(now());
        this.sendNext();
      }, turnRetryMs);
      return false;
    }
    this.#begun = index;
    return true;
  }

  /** Nothing is asked for: who comes next need not be called in vain. */
  #leaveTurns(): void {
    clearTimeout(this.#turnRetry);
    this.#turnRetry = undefined;
    const { torrent, now } = this.#deps;
    torrent.turns?.leave(this, now());
  }

  #setOut({ index, begin, length }: Block): void {
    const { torrent, now } = this.#deps;
    this.#isPassed = false;
    this.#isReading = true;
    this.#blocksHeld++;
    torrent.turns?.goOn(this, now());
    if (begin + length === pieceLengthAt(torrent.layout, index)) this.#begun = undefined;
  }

  async #send(block: Block, buffer: Buffer): Promise<void> {
    const { torrent, socket, buffers, onSent, onTaken } = this.#deps;
    const release = () => {
      this.#blocksHeld--;
      onTaken();
      buffers.giveBack(buffer);
      this.sendNext();
    };
    const payload = buffer.subarray(0, block.length);
    try {
      await torrent.read(payload, block.index * torrent.layout.pieceLength + block.begin);
    } catch (error) {
      release();
      throw error;
    } finally {
      this.#isReading = false;
    }
    if (this.#isClosed) {
      release();
      return;
    }
    socket.cork();
    socket.write(encodePieceHeader(block));
    socket.write(payload, release);
    socket.uncork();
    torrent.uploadedBytes += block.length;
    onSent(block.length);
    this.sendNext();
  }
}
