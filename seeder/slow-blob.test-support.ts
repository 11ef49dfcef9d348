import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";

/** What a registry gives of one blob, as a test lets it. */
export class SlowBlob {
  readonly #bytes: Buffer;
  readonly #events = new EventEmitter();
  #response: ServerResponse | undefined;
  #offset = 0;
  /** Whether it says how long the blob is. */
  tellsLength = true;
  /** Set: requests for the blob are answered with that status, or cut with 0. */
  refusal: number | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** To be a fake registry's fault: answers for all blobs. */
  readonly fault = (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method, url = "", headers } = request;
    if (method !== "GET" || !url.includes("/blobs/")) return false;
    if (this.refusal !== undefined) {
      if (this.refusal === 0) response.destroy();
      else response.writeHead(this.refusal).end();
      return true;
    }
    const size = this.#bytes.length;
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const range = start > 0 ? { "content-range": `bytes ${start}-${size - 1}/${size}` } : {};
    const length = this.tellsLength ? { "content-length": size - start } : {};
    response.writeHead(start > 0 ? 206 : 200, { ...length, ...range });
    response.flushHeaders();
    this.#response = response;
    this.#offset = start;
    this.#events.emit("asked");
    return true;
  };

  /** Gives what is missing up to `end`. */
  async give(end = this.#bytes.length): Promise<void> {
    const response = await this.#asked();
    const part = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    await new Promise((resolve) => response.write(part, resolve));
    if (end === this.#bytes.length) response.end();
  }

  /** Cuts the connection, and all that are tried after it. */
  async die(): Promise<void> {
    const response = await this.#asked();
    this.refusal = 0;
    this.#response = undefined;
    response.destroy();
  }

  async #asked(): Promise<ServerResponse> {
    if (!this.#response) await once(this.#events, "asked");
    return this.#response ?? this.#asked();
  }
}
