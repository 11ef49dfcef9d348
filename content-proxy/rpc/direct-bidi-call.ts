import { createDeadline } from "../../core/async/deadline.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { GrpcResponse } from "./grpc-response.ts";
import { messageHeadLength } from "./grpc-wire.ts";
import type { BidiHandler } from "./handler.ts";
import { MessageReader } from "./message-reader.ts";

/** A method whose calls are answered on the bare stream. */
export interface DirectBidiMethod<Request, Response> {
  readonly name: string;
  /** Bytes of a request may be used again for a later one, once the handler asks for that. */
  readonly handler: BidiHandler<Request, Response>;
  readonly decode: (message: Buffer) => Request;
  readonly encode: (response: Response) => Uint8Array;
  readonly messageBytesMax: number;
  readonly logger: Logger;
}

/**
 * Answers a call of requests and responses without grpc-js. What makes it worth its while
 * is bulk: a request is copied once, into memory that is used again.
 */
export class DirectBidiCall<Request, Response> implements StreamReceiver {
  readonly #stream: Http2Stream;
  readonly #method: DirectBidiMethod<Request, Response>;
  readonly #response: GrpcResponse;
  readonly #reader: MessageReader;
  readonly #abort = new AbortController();
  /** Requests that the handler has not asked for. */
  readonly #messages: Buffer[] = [];
  /** Bytes to be given back when it does. */
  #owed = 0;
  #isEnded: boolean;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(
    stream: Http2Stream,
    {
      method,
      timeoutMs,
    }: {
      readonly method: DirectBidiMethod<Request, Response>;
      readonly timeoutMs: number | undefined;
    },
  ) {
    this.#stream = stream;
    this.#method = method;
    this.#response = new GrpcResponse(stream, { method: method.name, logger: method.logger });
    this.#reader = new MessageReader(method);
    this.#isEnded = stream.isRemoteEnded;
    void this.#answer(timeoutMs);
  }

  headers(): void {
    this.#end();
  }

  data(bytes: Buffer, endStream: boolean): void {
    try {
      for (const message of this.#reader.read(bytes)) this.#messages.push(message);
    } catch (error) {
      this.#failWith(error);
    }
    // Nothing is asked of a client that is ahead of the handler by a whole message.
    this.#owed += bytes.length;
    if (this.#messages.length === 0) this.#credit();
    if (endStream) this.#end();
    this.#wakeUp();
  }

  reset(): void {
    this.#abort.abort(new DOMException("The caller went away", "AbortError"));
  }

  sent(): void {
    // There is nobody to give it back to.
  }

  async #answer(timeoutMs: number | undefined): Promise<void> {
    const deadline = createDeadline(this.#abort.signal, timeoutMs);
    const { signal } = deadline;
    signal.addEventListener("abort", () => this.#failWith(signal.reason), { once: true });
    try {
      for await (const response of this.#method.handler(this.#requests(), deadline)) {
        const framed = frameMessage(this.#method.encode(response));
        if (!this.#response.isReady) await this.#response.ready(signal);
        this.#response.send(framed);
      }
      signal.throwIfAborted();
      this.#response.end();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#response.fail(error, this.#abort.signal);
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async *#requests(): AsyncGenerator<Request, void> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) {
        if (this.#messages.length === 0) this.#credit();
        yield this.#method.decode(message);
        this.#reader.reuse(message);
        continue;
      }
      if (this.#failure) throw this.#failure;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #credit(): void {
    this.#stream.credit(this.#owed);
    this.#owed = 0;
  }

  #end(): void {
    this.#isEnded = true;
    if (this.#reader.isWithinMessage) {
      this.#failWith(new InvalidArgumentError("Cannot take message: it is cut short"));
    }
    this.#wakeUp();
  }

  #failWith(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(messageHeadLength + message.length);
  framed[0] = 0; // not compressed
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, messageHeadLength);
  return framed;
}
