import { InvalidArgumentError } from "../../core/errors.ts";
import { messageHeadLength } from "./grpc-wire.ts";

/** Puts the messages of a stream together from the data that it comes in. */
export class MessageReader {
  readonly #messageBytesMax: number;
  readonly #head = Buffer.alloc(messageHeadLength);
  #headLength = 0;
  #message: Buffer | undefined;
  #messageLength = 0;
  /** Memory of a message that is done with. */
  #spare: Buffer | undefined;

  constructor(limits: { readonly messageBytesMax: number }) {
    this.#messageBytesMax = limits.messageBytesMax;
  }

  /** Whether a message has begun that has not come to its end. */
  get isWithinMessage(): boolean {
    return this.#headLength > 0;
  }

  /**
   * Takes data, and gives the messages that are whole with them.
   *
   * @throws {InvalidArgumentError} when a message is too long, or compressed.
   */
  *read(data: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < data.length || this.#isWhole();) {
      at += this.#message ? this.#fill(this.#message, data, at) : this.#readHead(data, at);
      if (!this.#message || !this.#isWhole()) continue;
      const message = this.#message;
      this.#message = undefined;
      this.#headLength = 0;
      yield message;
    }
  }

  /** Gives the memory of a message back, which nobody looks at any more. */
  reuse(message: Buffer): void {
    this.#spare = message;
  }

  #isWhole(): boolean {
    return this.#message !== undefined && this.#messageLength === this.#message.length;
  }

  #readHead(data: Buffer, at: number): number {
    const copied = data.copy(this.#head, this.#headLength, at);
    this.#headLength += copied;
    if (this.#headLength < messageHeadLength) return copied;
    const length = this.#head.readUInt32BE(1);
    if (this.#head[0] !== 0) throw new InvalidArgumentError("Cannot take message: compressed");
    if (length > this.#messageBytesMax) {
      throw new InvalidArgumentError(`Cannot take message: ${length} bytes are too many`);
    }
    this.#message = this.#allocate(length);
    this.#messageLength = 0;
    return copied;
  }

  #fill(message: Buffer, data: Buffer, at: number): number {
    const copied = data.copy(message, this.#messageLength, at);
    this.#messageLength += copied;
    return copied;
  }

  #allocate(length: number): Buffer {
    const spare = this.#spare;
    this.#spare = undefined;
    if (!spare || spare.buffer.byteLength < length) return Buffer.allocUnsafeSlow(length);
    return Buffer.from(spare.buffer, 0, length);
  }
}
