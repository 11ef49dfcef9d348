import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  credentials,
  status,
} from "@grpc/grpc-js";

import { UnavailableError } from "../../../core/errors.ts";
import type { Cancellable } from "../../../core/ports/cancellable.ts";

/**
 * How long containerd may take for one answer. It reads its database without a lock; to
 * change it, it waits for others who do.
 */
const callTimeoutMs = 10_000;

/** Pauses between tries to connect: containerd is started anew in a second or two. */
const connectOptions = {
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 3000,
};

/** A method of containerd's: its path, and its messages as protobufjs makes and reads them. */
export interface ContainerdMethod<Request, Response> {
  readonly path: string;
  readonly request: { encode(message: Request): { finish(): Uint8Array } };
  readonly response: { decode(wire: Uint8Array): Response };
}

/** What a call is about beside its message. */
export interface CallScope extends Cancellable {
  readonly namespace?: string;
  /** What the call makes is kept from containerd's garbage collection by that lease. */
  readonly lease?: string;
}

/** Questions and answers, one after the other, within one call. */
export interface Dialogue<Request, Response> extends Disposable {
  /** Asks the next question. @throws {UnavailableError} when the call has ended, too. */
  ask(message: Request): Promise<Response>;
}

/**
 * Calls containerd over its own socket. It connects at the first call.
 *
 * NOTE: while containerd waits for our answer to Info, the first STAT, COMMIT, or to a change
 * of a snapshot, it holds the lock of its database. To read from it is safe then; to change
 * anything is a deadlock.
 */
export class ContainerdConnection implements Disposable {
  readonly #client: Client;

  /** @param address Path of containerd's socket. */
  constructor({ address }: { readonly address: string }) {
    this.#client = new Client(`unix:${address}`, credentials.createInsecure(), connectOptions);
  }

  /** Asks one question. @throws {UnavailableError} whatever containerd says but OK */
  async call<Request, Response>(
    method: ContainerdMethod<Request, Response>,
    message: Request,
    scope: CallScope,
  ): Promise<Response> {
    const { signal } = scope;
    signal.throwIfAborted();
    const answer = Promise.withResolvers<Response>();
    const running = this.#client.makeUnaryRequest(
      method.path,
      encoderOf(method),
      decoderOf(method),
      message,
      metadataOf(scope),
      { deadline: Date.now() + callTimeoutMs },
      (error, response) => {
        if (error) answer.reject(error);
        else if (response) answer.resolve(response);
      },
    );
    return cancelling(running, { method, signal }, () => answer.promise);
  }

  /** Asks one question that has any number of answers. @throws as {@link call} */
  async *stream<Request, Response>(
    method: ContainerdMethod<Request, Response>,
    message: Request,
    scope: CallScope,
  ): AsyncGenerator<Response, void> {
    const { signal } = scope;
    signal.throwIfAborted();
    const running = this.#client.makeServerStreamRequest(
      method.path,
      encoderOf(method),
      decoderOf(method),
      message,
      metadataOf(scope),
      { deadline: Date.now() + callTimeoutMs },
    );
    const answers = answersOf(running);
    try {
      for (;;) {
        const next = await cancelling(running, { method, signal }, () => answers.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      running.cancel();
    }
  }

  /** Begins a dialogue, which must be over in a few seconds. Dispose of it to end it. */
  converse<Request, Response>(
    method: ContainerdMethod<Request, Response>,
    scope: CallScope,
  ): Dialogue<Request, Response> {
    const { signal } = scope;
    signal.throwIfAborted();
    const running = this.#client.makeBidiStreamRequest(
      method.path,
      encoderOf(method),
      decoderOf(method),
      metadataOf(scope),
      { deadline: Date.now() + callTimeoutMs },
    );
    const answers = answersOf(running);
    return {
      ask: (message) =>
        cancelling(running, { method, signal }, async () => {
          running.write(message);
          const next = await answers.next();
          if (!next.done) return next.value;
          throw new UnavailableError(`Cannot ask containerd (${nameOf(method)}): it hung up`);
        }),
      [Symbol.dispose]: () => {
        running.end();
        running.cancel();
      },
    };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** The status code of gRPC with which containerd refused a call; `undefined` for other errors. */
export function refusalOf(error: unknown): status | undefined {
  const { cause } = error instanceof UnavailableError ? error : {};
  return isServiceError(cause) ? cause.code : undefined;
}

function encoderOf<Request>({
  request,
}: ContainerdMethod<Request, unknown>): (message: Request) => Buffer {
  return (message) => Buffer.from(request.encode(message).finish());
}

function decoderOf<Response>({
  response,
}: ContainerdMethod<never, Response>): (wire: Buffer) => Response {
  return (wire) => response.decode(wire);
}

function metadataOf({ namespace, lease }: CallScope): Metadata {
  const metadata = new Metadata();
  if (namespace !== undefined) metadata.set("containerd-namespace", namespace);
  if (lease !== undefined) metadata.set("containerd-lease", lease);
  return metadata;
}

function answersOf<Response>(
  running: ClientReadableStream<Response> | ClientDuplexStream<never, Response>,
): AsyncIterator<Response> {
  // Also when nobody iterates any more, for it fails by being cancelled.
  running.on("error", () => undefined);
  return (running as AsyncIterable<Response>)[Symbol.asyncIterator]();
}

/** Waits for a part of a call, which is cancelled when the signal is aborted. */
async function cancelling<T>(
  running: { cancel(): void },
  { method, signal }: Cancellable & { readonly method: ContainerdMethod<never, unknown> },
  work: () => Promise<T>,
): Promise<T> {
  const cancel = () => running.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    signal.throwIfAborted();
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw translate(error, nameOf(method));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function translate(error: unknown, method: string): unknown {
  if (!isServiceError(error)) return error;
  const { code, details } = error;
  return new UnavailableError(`Cannot ask containerd (${method}): ${status[code]}: ${details}`, {
    cause: error,
  });
}

function nameOf({ path }: Pick<ContainerdMethod<never, unknown>, "path">): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}
