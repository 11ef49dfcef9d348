import { Worker } from "node:worker_threads";

import type { Digest } from "../digest.ts";
import { DataLossError } from "../errors.ts";
import type { DigestCommand, DigestEvent } from "./digest-worker.ts";
import { type RunningDigest, startGrowingDigest } from "./growing-digest.ts";

interface Running {
  readonly resolve: (digest: Digest) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Up to this many bytes a file is hashed where it is asked for: to start a thread costs 70 ms of
 * CPU, as much as to hash 100 MB.
 */
const smallSizeBytes = 16 * 1024 * 1024;

/** A thread without work is ended after this long: it holds some 25 MiB. */
const idleMs = 10_000;

/**
 * Hashes files in a thread of its own: beside the engine's SHA-1, network and writes,
 * one core would not hold both. The thread is there while it has work.
 */
export class DigestThread implements AsyncDisposable {
  readonly #running = new Map<number, Running>();
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** Begins to hash a file of `size` bytes, of which none may be there yet. */
  start(path: string, size: number): RunningDigest {
    return size <= smallSizeBytes ? startGrowingDigest(path, size) : this.#start(path, size);
  }

  /**
   * Begins only with the first bytes that are there: when many nodes begin to download at once,
   * all of their processors are wanted for what brings the first pieces.
   */
  #start(path: string, size: number): RunningDigest {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Digest>();
    promise.catch(() => undefined);
    let begin: (() => void) | undefined = () => {
      this.#running.set(id, { resolve, reject });
      clearTimeout(this.#idleTimer);
      this.#worker ??= this.#startWorker();
      this.#post({ type: "start", id, path, size });
    };
    return {
      advance: (end) => {
        begin?.();
        begin = undefined;
        if (this.#running.has(id)) this.#post({ type: "advance", id, end });
      },
      result: () => promise,
      [Symbol.dispose]: () => {
        begin = undefined;
        if (!this.#running.delete(id)) return;
        this.#post({ type: "stop", id });
        this.#restIfIdle();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idleTimer);
    await this.#worker?.terminate();
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL("./digest-worker.ts", import.meta.url));
    worker.on("message", (event: DigestEvent) => this.#onEvent(event));
    worker.on("error", (error) => this.#onBroken(error));
    return worker;
  }

  #restIfIdle(): void {
    if (this.#running.size > 0) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      void this.#worker?.terminate();
      this.#worker = undefined;
    }, idleMs);
  }

  #post(command: DigestCommand): void {
    this.#worker?.postMessage(command);
  }

  #onEvent(event: DigestEvent): void {
    const running = this.#running.get(event.id);
    this.#running.delete(event.id);
    if (event.digest !== undefined) running?.resolve(event.digest);
    else running?.reject(new DataLossError(`Cannot hash blob: ${event.message ?? ""}`));
    this.#restIfIdle();
  }

  #onBroken(cause: unknown): void {
    this.#worker = undefined;
    for (const { reject } of this.#running.values()) {
      reject(new DataLossError("Cannot hash blob: its thread has ended", { cause }));
    }
    this.#running.clear();
  }
}
