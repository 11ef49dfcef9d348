import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { createDeadline } from "../async/deadline.ts";
import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Logger } from "../ports/logger.ts";
import type { UnpackOrder, UnpackProgress, UnpackedLayer } from "../ports/layer-unpacker.ts";
import { feedLayer } from "./layer-feed.ts";
import { OpenDescriptors } from "./open-descriptors.ts";
import {
  type UnpackCommand,
  type UnpackEvent,
  type UnpackSettings,
  type UnpackThreadData,
  errorFrom,
} from "./unpack-protocol.ts";

/** A thread without work is ended after this long, in milliseconds: it holds some 20 MiB. */
const idleMs = 30_000;

/**
 * Time for layers to stop between two of their chunks, in milliseconds; then their thread is
 * cut. Not while it has others, which may be what they wait for.
 */
const stopBoundMs = 5000;

/**
 * Memory of a thread's objects in MiB. A layer needs a few; what needs more is a fault or an
 * attack, and costs the thread instead of the process. Of a young generation of 8 MiB, which is
 * a little faster, a layer's share was 4 MiB more.
 */
const heapLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export interface UnpackThreadDeps {
  readonly settings: UnpackSettings;
  readonly logger: Logger;
  /** It has nothing to do, or not any more; see {@link UnpackThread.isHungry}. */
  readonly onHungry: () => void;
  /** It is no more: its work has failed, and nothing may be given to it. */
  readonly onEnded: () => void;
}

/** What somebody waits for. */
interface Work {
  readonly resolve: (done: DoneEvent) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: ((progress: UnpackProgress) => void) | undefined;
}

type DoneEvent = Extract<UnpackEvent, { type: "unpacked" | "inherited" }>;

/** A thread that unpacks layers, seen from outside. It ends by itself when it has been idle. */
export class UnpackThread implements AsyncDisposable {
  readonly #deps: UnpackThreadDeps;
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  readonly #openDescriptors = new OpenDescriptors();
  readonly #work = new Map<number, Work>();
  #lastId = 0;
  #layerCount = 0;
  #stoppingCount = 0;
  #commandsSent = 0;
  /** How many commands it had seen when it last had nothing to do. */
  #hungryAfter = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(deps: UnpackThreadDeps) {
    this.#deps = deps;
    const url = new URL("./unpack-worker.ts", import.meta.url);
    const openDescriptors = this.#openDescriptors.memory;
    const workerData: UnpackThreadData = { ...deps.settings, openDescriptors };
    this.#worker = new Worker(url, { workerData, resourceLimits: heapLimits });
    this.#exited = once(this.#worker, "exit").catch(() => undefined);
    let cause: unknown;
    this.#worker.on("message", (event: UnpackEvent) => this.#onEvent(event));
    this.#worker.on("error", (error) => (cause = error));
    this.#worker.on("exit", () => this.#onExit(cause));
  }

  /** Layers that it has. */
  get layerCount(): number {
    return this.#layerCount;
  }

  /** Whether all layers that it has wait for bytes, so that it could do one more meanwhile. */
  get isHungry(): boolean {
    return !this.#isEnding && this.#hungryAfter === this.#commandsSent;
  }

  /** Whether nothing may be given to it any more. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /**
   * Unpacks a layer as the port says. Its file is not used once this settles.
   *
   * @param options.signal Not aborted yet.
   */
  async unpack(order: UnpackOrder, { signal }: Cancellable): Promise<UnpackedLayer> {
    const { file, diffId, into, isLowest = false } = order;
    const id = this.#nextId();
    const job = { fd: file.fd, size: file.size, diffId, into, isLowest };
    const unpacked = this.#begin({ type: "unpack", id, job }, order.onProgress);
    const deadline = createDeadline(signal);
    const stopping = this.#stopOnAbort(deadline.signal, id);
    const onAdvance = (end: number) => this.#post({ type: "advance", id, end });
    const feeding = feedLayer(file, { signal: deadline.signal, onAdvance });
    // A layer whose bytes do not come is stopped like one that is not wanted any more.
    feeding.catch((error: unknown) => deadline.abort(error));
    this.#layerCount++;
    try {
      const done = await unpacked;
      assert(done.type === "unpacked");
      return done.layer;
    } catch (error) {
      deadline.signal.throwIfAborted();
      throw error;
    } finally {
      this.#layerCount--;
      stopping[Symbol.dispose]();
      deadline.abort();
      deadline[Symbol.dispose]();
      await feeding.catch(() => undefined);
      this.#restIfIdle();
    }
  }

  /** Gives implied directories what they inherit, as the port says. */
  async inherit(options: {
    readonly path: string;
    readonly impliedDirectories: readonly string[];
    readonly parents: readonly string[];
  }): Promise<void> {
    const id = this.#nextId();
    await this.#begin({ type: "inherit", id, ...options });
    this.#restIfIdle();
  }

  /** Cuts the thread, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#exited;
  }

  #end(): void {
    clearTimeout(this.#idleTimer);
    this.#isEnding = true;
    void this.#worker.terminate();
  }

  #nextId(): number {
    return ++this.#lastId;
  }

  #begin(
    command: UnpackCommand,
    onProgress?: (progress: UnpackProgress) => void,
  ): Promise<DoneEvent> {
    clearTimeout(this.#idleTimer);
    const { promise, resolve, reject } = Promise.withResolvers<DoneEvent>();
    this.#work.set(command.id, { resolve, reject, onProgress });
    this.#post(command);
    return promise;
  }

  #post(command: UnpackCommand): void {
    if (!this.#work.has(command.id)) return;
    this.#commandsSent++;
    this.#worker.postMessage(command);
  }

  /** Has a layer stopped when the signal is aborted, and if that does not help, the thread. */
  #stopOnAbort(signal: AbortSignal, id: number): Disposable {
    let cut: NodeJS.Timeout | undefined;
    const stop = () => {
      this.#stoppingCount++;
      this.#post({ type: "stop", id });
      cut = setInterval(() => {
        if (this.#stoppingCount < this.#layerCount) return;
        this.#deps.logger.warn("unpacking thread is cut, for it does not stop");
        this.#end();
      }, stopBoundMs);
    };
    signal.addEventListener("abort", stop, { once: true });
    return {
      [Symbol.dispose]: () => {
        signal.removeEventListener("abort", stop);
        if (cut) this.#stoppingCount--;
        clearInterval(cut);
      },
    };
  }

  #onEvent(event: UnpackEvent): void {
    if (event.type === "hungry") {
      this.#hungryAfter = event.commandsSeen;
      if (this.isHungry) this.#deps.onHungry();
      return;
    }
    const work = this.#work.get(event.id);
    if (event.type === "progress") {
      work?.onProgress?.(event.progress);
      return;
    }
    this.#work.delete(event.id);
    if (event.type === "failed") work?.reject(errorFrom(event.failure));
    else work?.resolve(event);
  }

  #onExit(cause: unknown): void {
    if (!this.#isEnding) {
      const error = cause instanceof Error ? cause.stack : cause;
      this.#deps.logger.error("unpacking thread has died", { error, layers: this.#layerCount });
    }
    this.#isEnding = true;
    clearTimeout(this.#idleTimer);
    this.#openDescriptors.closeAll();
    this.#deps.onEnded();
    for (const { reject } of this.#work.values()) {
      reject(new UnavailableError("Cannot unpack layer: its thread has died", { cause }));
    }
    this.#work.clear();
  }

  #restIfIdle(): void {
    if (this.#work.size > 0 || this.#isEnding) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#end(), idleMs);
  }
}
