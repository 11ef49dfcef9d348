import { abortable, createDeadline, type Deadline } from "../async/deadline.ts";
import { UnavailableError, codeOf } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { LayerUnpacker, UnpackOrder, UnpackedLayer } from "../ports/layer-unpacker.ts";
import type { Logger } from "../ports/logger.ts";
import type { UnpackSettings } from "./unpack-protocol.ts";
import { UnpackThread } from "./unpack-thread.ts";

/**
 * Layers that one thread has at once, one of which is worked on while others wait for bytes.
 * With two threads, all of most images; each holds a few MiB.
 */
const layersPerThreadMax = 16;

/** Layers that may wait for a thread: those of many images. Each holds a file open. */
const waitingMax = 4096;

/** A thread that copies the attributes of some directories for longer than this hangs. */
const inheritBoundMs = 60_000;

export interface ThreadLayerUnpackerDeps extends UnpackSettings {
  /** Threads at once: as many as may be busy with this. */
  readonly threadsMax: number;
  readonly logger: Logger;
}

/** Gives the thread that takes a layer. @throws {UnavailableError} */
type Place = () => UnpackThread;

/**
 * Unpacks layers in threads, which are there while they have work.
 *
 * A thread works on one layer, in the order in which they were given, and takes a further one
 * when those that it has wait for bytes. So no thread sleeps while there is something to do,
 * and the layers of an image that arrives slowly are all as far as their bytes.
 */
export class ThreadLayerUnpacker implements LayerUnpacker {
  readonly #deps: ThreadLayerUnpackerDeps;
  readonly #threads = new Set<UnpackThread>();
  /** Layers that no thread has taken yet, in their order. */
  readonly #waiting: ((place: Place) => void)[] = [];
  /** What is under way, each with its end. */
  readonly #running = new Map<Deadline, Promise<unknown>>();
  #isClosed = false;

  constructor(deps: ThreadLayerUnpackerDeps) {
    this.#deps = deps;
  }

  async unpack(order: UnpackOrder, { signal }: Cancellable): Promise<UnpackedLayer> {
    signal.throwIfAborted();
    if (this.#isClosed) throw closedError();
    if (this.#waiting.length >= waitingMax) {
      throw new UnavailableError("Cannot unpack layer: too many are waiting");
    }
    const deadline = createDeadline(signal);
    const unpacked = this.#unpackInTurn(order, deadline);
    this.#running.set(deadline, unpacked);
    try {
      return await unpacked;
    } finally {
      deadline[Symbol.dispose]();
      this.#running.delete(deadline);
    }
  }

  async inherit(
    layer: Pick<UnpackedLayer, "impliedDirectories"> & { readonly path: string },
    parents: readonly string[],
  ): Promise<void> {
    if (layer.impliedDirectories.length === 0) return;
    if (this.#isClosed) throw closedError();
    const { path, impliedDirectories } = layer;
    const thread = this.#leastLoaded((thread) => !thread.isEnding) ?? this.#startThread();
    try {
      const bound = AbortSignal.timeout(inheritBoundMs);
      await abortable(thread.inherit({ path, impliedDirectories, parents }), bound);
    } catch (cause) {
      if (codeOf(cause) !== "deadline_exceeded") throw cause;
      void thread[Symbol.asyncDispose]();
      throw new UnavailableError("Cannot complete layer: the disk does not answer", { cause });
    }
  }

  /** Stops what is under way, and ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const deadline of this.#running.keys()) deadline.abort(closedError());
    await Promise.allSettled(this.#running.values());
    await Promise.all([...this.#threads].map((thread) => thread[Symbol.asyncDispose]()));
  }

  #unpackInTurn(order: UnpackOrder, { signal }: Cancellable): Promise<UnpackedLayer> {
    return new Promise<UnpackedLayer>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      const unpackIn = async (place: Place) => place().unpack(order, { signal });
      const begin = (place: Place) => {
        signal.removeEventListener("abort", onAbort);
        resolve(unpackIn(place));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(begin);
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const place = this.#placeForNext();
      if (!place) return;
      this.#waiting.shift()?.(place);
    }
  }

  /** A thread without layers, else a new one, else one whose layers wait for bytes. */
  #placeForNext(): Place | undefined {
    const hungry = this.#leastLoaded((thread) => thread.isHungry);
    if (hungry?.layerCount === 0) return () => hungry;
    if (this.#threads.size < this.#deps.threadsMax) return () => this.#startThread();
    return hungry && hungry.layerCount < layersPerThreadMax ? () => hungry : undefined;
  }

  #leastLoaded(isFit: (thread: UnpackThread) => boolean): UnpackThread | undefined {
    return [...this.#threads]
      .filter(isFit)
      .reduce<UnpackThread | undefined>(
        (least, thread) => (least && least.layerCount <= thread.layerCount ? least : thread),
        undefined,
      );
  }

  /** @throws {UnavailableError} when the system gives no thread. */
  #startThread(): UnpackThread {
    const { limits, logger } = this.#deps;
    const onHungry = () => this.#dispatch();
    const onEnded = () => {
      this.#threads.delete(thread);
      this.#dispatch();
    };
    let thread: UnpackThread;
    try {
      thread = new UnpackThread({ settings: { limits }, logger, onHungry, onEnded });
    } catch (cause) {
      throw new UnavailableError("Cannot unpack layer: no thread can be started", { cause });
    }
    this.#threads.add(thread);
    return thread;
  }
}

function closedError(): UnavailableError {
  return new UnavailableError("Cannot unpack layer: shutting down");
}
