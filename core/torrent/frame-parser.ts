import { InvalidArgumentError } from "../errors.ts";
import {
  type Block,
  type WireMessage,
  messageIds,
  parseMessage,
  pieceHeaderLength,
} from "./wire-message.ts";

/** What a {@link FrameParser} calls as it finds things. May throw to end the connection. */
export interface FrameHandler {
  onMessage(message: WireMessage): void;
  /** Gives the place for a block's bytes, `block.length` long; `undefined` drops them. */
  onBlockStart(block: Block): Uint8Array | undefined;
  /** All bytes of the block are in their place, or were dropped. */
  onBlockEnd(block: Block): void;
}

/** Bounds of one direction of a connection; lengths are in bytes. */
export interface FrameLimits {
  /** Longest message that is not a block, without its length prefix. */
  readonly messageLengthMax: number;
  /** Longest block; 0 refuses blocks. */
  readonly blockLengthMax: number;
  /** Messages that are not blocks, keep-alives among them; {@link FrameParser.allow} adds to it. */
  readonly messagesMax: number;
}

/**
 * Cuts a stream of bytes into messages. Bytes of blocks are copied once, straight
 * to their place; nothing of the chunks that are pushed is kept.
 *
 * @see BEP 3, "peer messages"
 */
export class FrameParser {
  readonly #handler: FrameHandler;
  readonly #limits: FrameLimits;
  readonly #header = Buffer.alloc(pieceHeaderLength);
  #headerFilled = 0;
  #headerLength = 4;
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #block: Block | undefined;
  #blockTarget: Uint8Array | undefined;
  #blockFilled = 0;
  #blockBytes = 0;
  #messagesLeft: number;

  constructor(handler: FrameHandler, limits: FrameLimits) {
    this.#handler = handler;
    this.#limits = limits;
    this.#messagesLeft = limits.messagesMax;
  }

  /** Bytes of blocks that came so far, also of those that are not complete. */
  get blockBytes(): number {
    return this.#blockBytes;
  }

  /** Lets so many messages more come: something came of those that did. */
  allow(messages: number): void {
    this.#messagesLeft = Math.min(this.#limits.messagesMax, this.#messagesLeft + messages);
  }

  /** Drops what is still to come of a block of that piece: its place is not there any more. */
  dropBlockOf(index: number): void {
    if (this.#block?.index === index) this.#blockTarget = undefined;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {InvalidArgumentError} on a frame that is malformed or exceeds a limit; the
   *   parser cannot be used any more then.
   */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#block) at = this.#takeBlock(this.#block, chunk, at);
      else if (this.#body) at = this.#takeBody(this.#body, chunk, at);
      else at = this.#takeHeader(chunk, at);
    }
  }

  #takeHeader(chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + this.#headerLength - this.#headerFilled);
    chunk.copy(this.#header, this.#headerFilled, start, end);
    this.#headerFilled += end - start;
    if (this.#headerFilled === this.#headerLength) this.#endHeader();
    return end;
  }

  /** The header is read in steps: length; id; and, of a block, index and begin. */
  #endHeader(): void {
    const length = this.#header.readUInt32BE(0);
    if (this.#headerLength === 4) {
      // A length of 0 is a keep-alive.
      this.#headerLength = length === 0 ? 4 : 5;
      if (length > 0) return;
      this.#headerFilled = 0;
      this.#spendMessage();
      return;
    }
    const id = this.#header.readUInt8(4);
    if (id !== messageIds.piece) {
      this.#startBody(id, length - 1);
      return;
    }
    if (this.#headerLength === 5) {
      if (length < 9 || length - 9 > this.#limits.blockLengthMax) throw tooLong(id, length);
      this.#headerLength = pieceHeaderLength;
      return;
    }
    this.#startBlock({
      index: this.#header.readUInt32BE(5),
      begin: this.#header.readUInt32BE(9),
      length: length - 9,
    });
  }

  #startBody(id: number, length: number): void {
    if (length + 1 > this.#limits.messageLengthMax) throw tooLong(id, length);
    this.#spendMessage();
    if (length === 0) {
      this.#nextFrame();
      this.#handler.onMessage(parseMessage(id, Buffer.alloc(0)));
      return;
    }
    this.#body = Buffer.allocUnsafe(length);
    this.#bodyFilled = 0;
  }

  #spendMessage(): void {
    if (--this.#messagesLeft >= 0) return;
    throw new InvalidArgumentError("Cannot read message: too many of which nothing came");
  }

  #takeBody(body: Buffer, chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + body.length - this.#bodyFilled);
    chunk.copy(body, this.#bodyFilled, start, end);
    this.#bodyFilled += end - start;
    if (this.#bodyFilled === body.length) {
      this.#body = undefined;
      this.#nextFrame();
      this.#handler.onMessage(parseMessage(this.#header.readUInt8(4), body));
    }
    return end;
  }

  #startBlock(block: Block): void {
    this.#nextFrame();
    this.#blockTarget = this.#handler.onBlockStart(block);
    this.#blockFilled = 0;
    if (block.length === 0) this.#handler.onBlockEnd(block);
    else this.#block = block;
  }

  #takeBlock(block: Block, chunk: Buffer, start: number): number {
    const end = Math.min(chunk.length, start + block.length - this.#blockFilled);
    if (this.#blockTarget) chunk.copy(this.#blockTarget, this.#blockFilled, start, end);
    this.#blockFilled += end - start;
    this.#blockBytes += end - start;
    if (this.#blockFilled === block.length) {
      this.#block = undefined;
      this.#blockTarget = undefined;
      this.#handler.onBlockEnd(block);
    }
    return end;
  }

  #nextFrame(): void {
    this.#headerFilled = 0;
    this.#headerLength = 4;
  }
}

function tooLong(id: number, length: number): InvalidArgumentError {
  return new InvalidArgumentError(`Cannot read message ${id}: ${length} bytes`);
}
