import type { Passage } from "../limits/passage.ts";
import type { Assignment } from "./assignment.ts";
import type { DialledNode } from "./dialled-node.ts";
import { stallBoundMs } from "./limits.ts";
import { RequestQueue } from "./request-queue.ts";
import { RequestWindow } from "./request-window.ts";
import { StallTimer } from "./stall-timer.ts";
import { type Block, encodeBlocks } from "./wire-message.ts";

export interface BlockAskerDeps {
  readonly connection: Pick<DialledNode, "isClosed" | "write" | "dropBlockOf">;
  /** The next piece to ask for; `undefined` when there is none now. */
  readonly assign: () => Assignment | undefined;
  /** All bytes of a piece are here. */
  readonly onPiece: (assignment: Assignment) => void;
  /** The first bytes of a piece are coming. */
  readonly onBegun: (index: number) => void;
  /** The limits that hold for what comes. */
  readonly passage: Passage;
  readonly now: () => number;
}

/**
 * Asks one node for the blocks of pieces, so many at once as fill the way to it, takes what it
 * answers, and notes when it owes and does not give.
 */
export class BlockAsker {
  readonly #deps: BlockAskerDeps;
  readonly #queue = new RequestQueue();
  readonly #stall = new StallTimer(stallBoundMs);
  #window: RequestWindow;
  #blockLengthMax = 0;
  #isUnchoked = false;
  #wasUnchoked = false;
  #isStalled = false;
  #gaveAtMs = -Infinity;
  #hasGiven = false;

  constructor(deps: BlockAskerDeps) {
    this.#deps = deps;
    this.#window = new RequestWindow({ roundTripMs: 0, nowMs: deps.now() });
  }

  /** Pieces that were asked for and are not whole. */
  get assignments(): readonly Assignment[] {
    return this.#queue.assignments;
  }

  /** It was asked for bytes that have not come yet. */
  get isBusy(): boolean {
    return this.#queue.outstanding > 0;
  }

  /** It owes bytes, and gave none for the stall bound. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Whether it ever gave a block. */
  get hasGiven(): boolean {
    return this.#hasGiven;
  }

  /** When it last gave a byte; -Infinity when it never did. */
  get gaveAtMs(): number {
    return this.#gaveAtMs;
  }

  /** Bytes per second that it gave lately; 0 when unknown. */
  get rate(): number {
    return this.#window.rate;
  }

  /** Whether a piece may be assigned: it is not asked for. */
  mayAssign(index: number): boolean {
    return this.#queue.mayAssign(index);
  }

  /** Bytes that will come before that piece is here; 0 when it is not asked for. */
  bytesUntil(index: number): number {
    return this.#queue.bytesUntil(index);
  }

  /** Milliseconds for which it has been asked for a piece of which nothing has come; `undefined` else. */
  waitedMs(index: number): number | undefined {
    return this.#queue.waitedMs(index, this.#deps.now());
  }

  /** Milliseconds for which it has owed bytes and given none. */
  silentMs(nowMs: number): number {
    return this.#stall.silentMs(nowMs);
  }

  /** The connection is up. */
  connected(roundTripMs: number): void {
    this.#window = new RequestWindow({ roundTripMs, nowMs: this.#deps.now() });
  }

  /** The longest block that both ends take. */
  limitBlocks(lengthMax: number): void {
    this.#blockLengthMax = lengthMax;
  }

  /**
   * It may be asked for blocks: at once the first time, and by the next look at all sources when it says
   * so again. To find that there is nothing to ask for takes a while, and it may say so very often.
   */
  unchoke(): void {
    const isFirst = !this.#wasUnchoked;
    this.#isUnchoked = true;
    this.#wasUnchoked = true;
    if (isFirst) this.fill();
  }

  choke(): void {
    this.#isUnchoked = false;
  }

  /** Asks for as much as it may. */
  fill(): void {
    const { connection, assign, now } = this.#deps;
    if (!this.#isUnchoked || connection.isClosed || this.#isStalled) return;
    const wasIdle = !this.isBusy;
    if (this.#queue.outstanding > this.#window.bytes / 2) return;
    const blocks: Block[] = [];
    const blockLength = Math.min(this.#blockLengthMax, this.#window.blockLength);
    while (this.#queue.outstanding < this.#window.bytes) {
      const block = this.#queue.nextBlock(blockLength);
      if (block) {
        blocks.push(block);
        continue;
      }
      const assignment = assign();
      if (!assignment) break;
      this.#queue.assign(assignment, now());
    }
    if (blocks.length === 0) return;
    connection.write(encodeBlocks("request", blocks));
    if (!wasIdle) return;
    this.#window.restart(now());
    this.#stall.restart(now());
  }

  /** A piece came from elsewhere. Gives its buffer, which is not touched any more. */
  cancel(index: number): Buffer | undefined {
    const { connection } = this.#deps;
    const { buffer, blocks } = this.#queue.cancel(index);
    connection.dropBlockOf(index);
    if (blocks.length > 0) connection.write(encodeBlocks("cancel", blocks));
    if (!this.isBusy) this.#stall.stop();
    return buffer;
  }

  /** Where the bytes of an answer go. @throws {InvalidArgumentError} when it answers no request. */
  startBlock(block: Block): Uint8Array | undefined {
    const place = this.#queue.startBlock(block);
    if (place && block.begin === 0) this.#deps.onBegun(block.index);
    return place;
  }

  endBlock(block: Block): void {
    this.#hasGiven = true;
    this.#stall.restart(this.#deps.now());
    const assignment = this.#queue.endBlock(block);
    if (assignment) this.#deps.onPiece(assignment);
  }

  /** Parts of blocks are signs of life: on a slow link a block takes longer than the bound. */
  came(length: number): void {
    const nowMs = this.#deps.now();
    this.#gaveAtMs = nowMs;
    this.#window.received(length, nowMs);
    if (this.isBusy) this.#stall.came(length, nowMs);
    else this.#stall.stop();
    this.#isStalled = this.#stall.isStalled(nowMs);
    this.fill();
  }

  /** Looks for a lapsed bound. What our limits hold up is not late. */
  tick(nowMs: number): void {
    if (this.#deps.passage.isWaiting && this.isBusy) this.#stall.restart(nowMs);
    this.#isStalled = this.#stall.isStalled(nowMs);
  }
}
