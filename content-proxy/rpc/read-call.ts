import { readSync } from "node:fs";

import { createDeadline } from "../../core/async/deadline.ts";
import { parseDigest, type Digest } from "../../core/digest.ts";
import { DataLossError, InvalidArgumentError, OffsetError } from "../../core/errors.ts";
import type { BlobFile } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { BlobFetcher } from "../blob-fetcher.ts";
import type { Http2Stream, StreamReceiver } from "../http2/stream.ts";
import { GrpcResponse } from "./grpc-response.ts";
import { messageHeadLength, okTrailers, responseHeaders } from "./grpc-wire.ts";
import {
  decodeReadRequest,
  readRequestBytesMax,
  readResponseHeadLength,
  writeReadResponseHead,
} from "./read-message.ts";

/** containerd reads 32 KiB at once when it unpacks; up to this much is answered with one stroke. */
const wholeBytesMax = 64 * 1024;

/** Data in one message of a longer answer, and so what a stream that cannot send keeps. */
const chunkBytesMax = 64 * 1024;

/** The part of a blob that a Read asks for. */
export interface BlobReadRequest {
  readonly digest: Digest;
  /** First byte, not below 0. */
  readonly offset: number;
  /** Bytes wanted at most; `undefined`: to the end of the blob. */
  readonly size: number | undefined;
}

export interface ReadCallDeps {
  /** Tells where the bytes are, if they are here. */
  readonly readSource: Pick<BlobFetcher, "locate"> & Partial<Pick<BlobFetcher, "open">>;
  /** Reads what is not here yet. Throws as Read should. */
  readonly readSlow: (request: BlobReadRequest, options: Cancellable) => AsyncIterable<Uint8Array>;
  readonly logger: Logger;
}

/** Answers one call of containerd.services.content.v1.Content/Read on the bare stream. */
export class ReadCall implements StreamReceiver {
  readonly #stream: Http2Stream;
  readonly #deps: ReadCallDeps;
  readonly #timeoutMs: number | undefined;
  #request: Buffer = emptyBytes;
  readonly #abort = new AbortController();
  readonly #response: GrpcResponse;

  constructor(
    stream: Http2Stream,
    { deps, timeoutMs }: { readonly deps: ReadCallDeps; readonly timeoutMs: number | undefined },
  ) {
    this.#stream = stream;
    this.#deps = deps;
    this.#response = new GrpcResponse(stream, { method: "Read", logger: deps.logger });
    this.#timeoutMs = timeoutMs;
    if (stream.isRemoteEnded) this.#answer();
  }

  headers(): void {
    this.#answer();
  }

  data(bytes: Buffer, endStream: boolean): void {
    this.#stream.credit(bytes.length);
    this.#request = this.#request.length > 0 ? Buffer.concat([this.#request, bytes]) : bytes;
    if (endStream || this.#request.length > readRequestBytesMax) this.#answer();
  }

  reset(): void {
    this.#abort.abort(new DOMException("The caller went away", "AbortError"));
  }

  sent(): void {
    // There is nobody to give it back to.
  }

  #answer(): void {
    try {
      const request = parseRequest(this.#request);
      if (!this.#answerWhole(request)) void this.#answerInParts(request);
    } catch (error) {
      this.#response.fail(error, this.#abort.signal);
    }
  }

  /** Answers at once, if all bytes are here and may be sent now. */
  #answerWhole({ digest, offset, size = Infinity }: BlobReadRequest): boolean {
    const located = this.#locate(digest, offset);
    if (!located) return false;
    const length = Math.min(size, located.size - offset);
    if (length > wholeBytesMax || offset + length > located.availableEnd) return false;
    if (length === 0) {
      this.#response.end();
      return true;
    }
    return this.#stream.respond({
      headers: responseHeaders,
      bodyLength: readResponseHeadLength(length) + length,
      fill(target, at) {
        const dataAt = writeReadResponseHead(target, at, length);
        readExactly(located.fd, { target, at: dataAt, length, position: offset });
      },
      trailers: okTrailers,
    });
  }

  async #answerInParts(request: BlobReadRequest): Promise<void> {
    const deadline = createDeadline(this.#abort.signal, this.#timeoutMs);
    try {
      const rest = await this.#sendLocal(request, deadline);
      if (rest) {
        for await (const chunk of this.#deps.readSlow(rest, deadline)) {
          await this.#sendChunk(chunk, deadline);
        }
      }
      deadline.signal.throwIfAborted();
      this.#response.end();
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#response.fail(error, this.#abort.signal);
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async #sendLocal(
    request: BlobReadRequest,
    options: Cancellable,
  ): Promise<BlobReadRequest | undefined> {
    const held: { file: BlobFile | undefined } = { file: undefined };
    try {
      return await this.#sendHere(request, { ...options, held });
    } finally {
      await held.file?.[Symbol.asyncDispose]();
    }
  }

  /** Sends what is here, as far as there is no gap. @returns What is missing, if anything is. */
  async #sendHere(
    { digest, offset: start, size = Infinity }: BlobReadRequest,
    { signal, held }: Cancellable & { readonly held: { file: BlobFile | undefined } },
  ): Promise<BlobReadRequest | undefined> {
    for (let offset = start; ;) {
      if (!this.#response.isReady) {
        // containerd may delete it meanwhile; who has begun to read it goes on.
        if (offset > start) held.file ??= await this.#deps.readSource.open?.(digest);
        await this.#response.ready(signal);
      }
      signal.throwIfAborted();
      const located = held.file
        ? { fd: held.file.fd, size: held.file.size, availableEnd: held.file.size }
        : this.#locate(digest, offset);
      const end = Math.min(start + size, located?.size ?? Infinity);
      if (offset === end) return undefined;
      const length = Math.min(end, located?.availableEnd ?? 0, offset + chunkBytesMax) - offset;
      if (!located || length <= 0) {
        return { digest, offset, size: size === Infinity ? undefined : start + size - offset };
      }
      const headLength = readResponseHeadLength(length);
      const position = offset;
      const fill = (target: Buffer, at: number): void => {
        const dataAt = writeReadResponseHead(target, at, length);
        readExactly(located.fd, { target, at: dataAt, length, position });
      };
      if (!this.#response.sendNow(headLength + length, fill)) {
        const frame = Buffer.allocUnsafe(headLength + length);
        fill(frame, 0);
        this.#response.send(frame);
      }
      offset += length;
    }
  }

  async #sendChunk(chunk: Uint8Array, { signal }: Cancellable): Promise<void> {
    for (let at = 0; at < chunk.length; at += chunkBytesMax) {
      if (!this.#response.isReady) await this.#response.ready(signal);
      signal.throwIfAborted();
      const part = chunk.subarray(at, at + chunkBytesMax);
      const headLength = readResponseHeadLength(part.length);
      const frame = Buffer.allocUnsafe(headLength + part.length);
      writeReadResponseHead(frame, 0, part.length);
      frame.set(part, headLength);
      this.#response.send(frame);
    }
  }

  #locate(digest: Digest, offset: number) {
    const located = this.#deps.readSource.locate(digest, offset);
    if (located && offset > located.size) throw new OffsetError(offset, `at most ${located.size}`);
    return located;
  }
}

const emptyBytes = Buffer.alloc(0);

/** @throws {InvalidArgumentError} when the body is not one message, or its digest is none. */
function parseRequest(body: Buffer): BlobReadRequest {
  const length = body.length < messageHeadLength ? -1 : body.readUInt32BE(1);
  if (body[0] !== 0 || length !== body.length - messageHeadLength) {
    throw new InvalidArgumentError("Cannot take request: want one message, not compressed");
  }
  const { digest, offset, size } = decodeReadRequest(body.subarray(messageHeadLength));
  return {
    digest: parseDigest(digest),
    offset: Math.max(0, offset),
    size: size > 0 ? size : undefined,
  };
}

/** @throws {DataLossError} when the file is shorter than it should be. */
function readExactly(
  fd: number,
  {
    target,
    at,
    length,
    position,
  }: {
    readonly target: Buffer;
    readonly at: number;
    readonly length: number;
    readonly position: number;
  },
): void {
  for (let read = 0; read < length;) {
    const count = readSync(fd, target, at + read, length - read, position + read);
    if (count === 0) throw new DataLossError(`Cannot read blob at ${position + read}: it ends`);
    read += count;
  }
}
