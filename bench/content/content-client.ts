import { once } from "node:events";
import { promisify } from "node:util";

import { Client, credentials, status, type ClientDuplexStream } from "@grpc/grpc-js";

import { parseDigest, type Digest } from "../../core/digest.ts";
import { containerd } from "../../protos/gen/content.js";

const messages = containerd.services.content.v1;

type WriteRequest = containerd.services.content.v1.WriteContentRequest.$Properties;
type WriteResponse = containerd.services.content.v1.WriteContentResponse;

const servicePath = "/containerd.services.content.v1.Content";

/** Bounds one call: containerd itself would wait for ever. */
const callTimeoutMs = 60_000;

/** How long a proxy that has answered already may take to open its socket. */
const readyTimeoutMs = 10_000;

/** Bytes that containerd writes at once. */
const chunkLength = 2 ** 20;

/** Speaks with a content proxy as containerd does. Dispose of it to close its connection. */
export class ContentClient implements AsyncDisposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects, when the proxy is there. */
  static async open(socketPath: string): Promise<ContentClient> {
    const client = new Client(`unix:${socketPath}`, credentials.createInsecure());
    await promisify(client.waitForReady.bind(client))(Date.now() + readyTimeoutMs);
    return new ContentClient(client);
  }

  /** Whether containerd would be told that the blob exists. */
  async has(digest: Digest): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `${servicePath}/Info`,
        (message: object) => Buffer.from(messages.InfoRequest.encode(message).finish()),
        (bytes) => messages.InfoResponse.decode(bytes),
        { digest },
        { deadline: Date.now() + callTimeoutMs },
        (error) => {
          if (error === null) resolve(true);
          else if (error.code === status.NOT_FOUND) resolve(false);
          else reject(error);
        },
      );
    });
  }

  /** Opens a Write stream for an ingest. End it when the blob is committed, or will not be. */
  openWrite(ref: string, total: number): ContentWriter {
    const stream = this.#client.makeBidiStreamRequest(
      `${servicePath}/Write`,
      (message: WriteRequest) => Buffer.from(messages.WriteContentRequest.encode(message).finish()),
      (bytes) => messages.WriteContentResponse.decode(bytes),
    );
    return new ContentWriter(stream, { ref, total });
  }

  /**
   * Writes a blob as containerd does in a pull that found it nowhere else.
   *
   * @param chunks Consecutive parts, of at most 1 MiB each.
   */
  async write(
    digest: Digest,
    {
      size,
      chunks,
    }: { readonly size: number; readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array> },
  ): Promise<void> {
    const writer = this.openWrite(`default/1/layer-${digest}`, size);
    try {
      await writer.stat();
      await writer.stat();
      for await (const chunk of chunks) await writer.write(chunk);
      await writer.commit(digest);
    } finally {
      await writer.end();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}

/** One Write stream: a request, then its answer, then the next. */
export class ContentWriter {
  readonly #stream: ClientDuplexStream<WriteRequest, WriteResponse>;
  readonly #ingest: { readonly ref: string; readonly total: number };
  #offset = 0;

  constructor(
    stream: ClientDuplexStream<WriteRequest, WriteResponse>,
    ingest: { readonly ref: string; readonly total: number },
  ) {
    this.#stream = stream;
    this.#ingest = ingest;
  }

  /** Asks how far the ingest is; after the first time the swarm may have all of it. */
  async stat(): Promise<number> {
    const { offset } = await this.#ask({ action: messages.WriteAction.STAT });
    this.#offset = Number(offset);
    return this.#offset;
  }

  async write(data: Uint8Array): Promise<void> {
    await this.#ask({ action: messages.WriteAction.WRITE, offset: this.#offset, data });
    this.#offset += data.byteLength;
  }

  async commit(digest: Digest): Promise<Digest> {
    const { total } = this.#ingest;
    const action = messages.WriteAction.COMMIT;
    const answer = await this.#ask({ action, offset: this.#offset, total, expected: digest });
    return parseDigest(answer.digest);
  }

  async end(): Promise<void> {
    if (this.#stream.destroyed) return;
    const ended = once(this.#stream, "end");
    this.#stream.end();
    this.#stream.resume();
    await ended;
  }

  async #ask(request: WriteRequest): Promise<WriteResponse> {
    const answered = once(this.#stream, "data");
    this.#stream.write({ ...this.#ingest, ...request });
    const [answer] = (await answered) as [WriteResponse];
    return answer;
  }
}

/** A blob in the parts in which containerd writes it. */
export function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkLength) {
    yield bytes.subarray(start, start + chunkLength);
  }
}
