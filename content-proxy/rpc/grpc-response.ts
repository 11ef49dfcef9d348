import { abortable } from "../../core/async/deadline.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Http2Stream } from "../http2/stream.ts";
import { grpcStatusOf } from "./boundary.ts";
import { okTrailers, responseHeaders, statusBlock } from "./grpc-wire.ts";

/** The response of a call that is answered on the bare stream: messages, then a status. */
export class GrpcResponse {
  readonly #stream: Http2Stream;
  readonly #method: string;
  readonly #logger: Logger;
  #hasHeaders = false;

  constructor(
    stream: Http2Stream,
    { method, logger }: { readonly method: string; readonly logger: Logger },
  ) {
    this.#stream = stream;
    this.#method = method;
    this.#logger = logger;
  }

  /** Waits until a message can go out. It still can when the caller then sends one at once. */
  async ready(signal: AbortSignal): Promise<void> {
    // Others may have taken the room when this goes on, so it looks again.
    while (this.#stream.writableLength === 0) {
      const writable = new Promise<void>((resolve) => this.#stream.whenWritable(resolve));
      await abortable(writable, signal);
    }
    signal.throwIfAborted();
  }

  /** Whether {@link ready} has nothing to wait for. */
  get isReady(): boolean {
    return this.#stream.writableLength > 0;
  }

  /** Sends a message with its head. */
  send(framedMessage: Buffer): void {
    this.#sendHeadersOnce();
    this.#stream.sendData(framedMessage, false);
  }

  /** Sends a message that `fill` writes, if it can go out now. @returns whether it did */
  sendNow(framedLength: number, fill: (target: Buffer, at: number) => void): boolean {
    if (this.#stream.writableLength < framedLength) return false;
    this.#sendHeadersOnce();
    return this.#stream.sendNow(framedLength, fill);
  }

  /** Ends the call well. */
  end(): void {
    this.#sendHeadersOnce();
    this.#stream.sendHeaders(okTrailers, true);
  }

  /** Ends the call with the status of `error`. */
  fail(error: unknown, signal: AbortSignal): void {
    const status = grpcStatusOf(error, { method: this.#method, signal, logger: this.#logger });
    this.#stream.sendHeaders(statusBlock(status, { isOnly: !this.#hasHeaders }), true);
  }

  /** As late as can be, so that they travel together with the first message. */
  #sendHeadersOnce(): void {
    if (this.#hasHeaders) return;
    this.#hasHeaders = true;
    this.#stream.sendHeaders(responseHeaders, false);
  }
}
