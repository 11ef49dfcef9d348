import { Client, Metadata, type ServiceError, credentials, status } from "@grpc/grpc-js";

import { type Digest, isDigest } from "../../../core/digest.ts";
import { UnavailableError } from "../../../core/errors.ts";
import type { Labels } from "../../../core/ports/blob-store.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";
import { containerd as content, google } from "../../../protos/gen/content.js";
import { containerd as namespaces } from "../../../protos/gen/namespaces.js";

const contentPath = "/containerd.services.content.v1.Content";
const namespacesPath = "/containerd.services.namespaces.v1.Namespaces";
const contentV1 = content.services.content.v1;
const namespacesV1 = namespaces.services.namespaces.v1;

/**
 * How long containerd may take for one answer. It reads its database without a lock; to
 * delete, it waits for those who write.
 */
const callTimeoutMs = 10_000;

/** Pauses between tries to connect: containerd is started anew in a second or two. */
const connectOptions = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 3000,
};

/** What containerd knows of a blob in one of its namespaces. */
export interface ContentInfo {
  readonly digest: Digest;
  readonly labels: Labels;
}

/** A call, and the namespace of containerd's that it is about. */
export type InNamespace = Cancellable & { readonly namespace: string };

/** One direction of a call, as protobufjs makes and reads it. */
interface Wire<Request, Response> {
  readonly request: { encode(message: Request): { finish(): Uint8Array } };
  readonly response: { decode(wire: Uint8Array): Response };
}

/**
 * Asks containerd itself, over its own socket. It connects when it is first asked.
 *
 * NOTE: while containerd waits for our answer to Info, the first STAT, or COMMIT, it holds
 * the lock of its database. To read from it is safe then; to change anything is a deadlock.
 */
export class ContainerdClient implements Disposable {
  readonly #client: Client;

  /** @param address Path of containerd's socket. */
  constructor({ address }: { readonly address: string }) {
    this.#client = new Client(`unix:${address}`, credentials.createInsecure(), connectOptions);
  }

  /** Names of all namespaces. @throws {UnavailableError} */
  async namespaces({ signal }: Cancellable): Promise<readonly string[]> {
    const { namespaces: found } = await this.#call(
      `${namespacesPath}/List`,
      {
        request: namespacesV1.ListNamespacesRequest,
        response: namespacesV1.ListNamespacesResponse,
      },
      { message: {}, signal },
    );
    return found.map(({ name }) => name ?? "");
  }

  /** A blob; `undefined` when that namespace has none such. @throws {UnavailableError} */
  async info(digest: Digest, { namespace, signal }: InNamespace): Promise<ContentInfo | undefined> {
    try {
      const { info } = await this.#call(
        `${contentPath}/Info`,
        { request: contentV1.InfoRequest, response: contentV1.InfoResponse },
        { message: { digest }, namespace, signal },
      );
      return { digest, labels: info?.labels ?? {} };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** All blobs of a namespace. @throws {UnavailableError} */
  async *list({ namespace, signal }: InNamespace): AsyncGenerator<ContentInfo, void> {
    signal.throwIfAborted();
    const stream = this.#client.makeServerStreamRequest(
      `${contentPath}/List`,
      encoder(contentV1.ListContentRequest),
      (wire: Buffer) => contentV1.ListContentResponse.decode(wire),
      {},
      metadataOf(namespace),
      { deadline: Date.now() + callTimeoutMs },
    );
    // Also when nobody iterates any more, for it fails by being cancelled.
    stream.on("error", () => undefined);
    const cancel = () => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      for await (const { info } of stream as AsyncIterable<ListResponse>) {
        for (const { digest, labels } of info) {
          if (digest && isDigest(digest)) yield { digest, labels: labels ?? {} };
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, "List");
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.cancel();
    }
  }

  /**
   * Has a namespace forget a blob, which it may know or not.
   *
   * @throws {UnavailableError}
   */
  async delete(digest: Digest, { namespace, signal }: InNamespace): Promise<void> {
    try {
      await this.#call(
        `${contentPath}/Delete`,
        { request: contentV1.DeleteContentRequest, response: google.protobuf.Empty },
        { message: { digest }, namespace, signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  async #call<Request, Response>(
    path: string,
    wire: Wire<Request, Response>,
    call: Cancellable & { readonly message: Request; readonly namespace?: string },
  ): Promise<Response> {
    const { message, namespace, signal } = call;
    signal.throwIfAborted();
    const answer = Promise.withResolvers<Response>();
    const running = this.#client.makeUnaryRequest(
      path,
      encoder(wire.request),
      (bytes: Buffer) => wire.response.decode(bytes),
      message,
      metadataOf(namespace),
      { deadline: Date.now() + callTimeoutMs },
      (error, response) => {
        if (error) answer.reject(error);
        else if (response) answer.resolve(response);
      },
    );
    const cancel = () => running.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await answer.promise;
    } catch (error) {
      signal.throwIfAborted();
      throw translate(error, path.slice(path.lastIndexOf("/") + 1));
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }
}

type ListResponse = content.services.content.v1.ListContentResponse;

function encoder<Message>(type: Wire<Message, unknown>["request"]): (message: Message) => Buffer {
  return (message) => Buffer.from(type.encode(message).finish());
}

function metadataOf(namespace: string | undefined): Metadata {
  const metadata = new Metadata();
  if (namespace !== undefined) metadata.set("containerd-namespace", namespace);
  return metadata;
}

function isNotFound(error: unknown): boolean {
  const { cause } = error instanceof UnavailableError ? error : {};
  return isServiceError(cause) && cause.code === status.NOT_FOUND;
}

function translate(error: unknown, method: string): unknown {
  if (!isServiceError(error)) return error;
  const { code, details } = error;
  return new UnavailableError(`Cannot ask containerd (${method}): ${status[code]}: ${details}`, {
    cause: error,
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}
