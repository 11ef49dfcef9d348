import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { abortable } from "../async/deadline.ts";
import { UnavailableError } from "../errors.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Logger } from "../ports/logger.ts";
import { RestartPace } from "./restart-pace.ts";
import {
  type EngineSettings,
  type SwarmCommand,
  type SwarmEvent,
  errorFrom,
} from "./worker-protocol.ts";

/** Time for the engine to hang up on everybody in milliseconds; then its thread is cut. */
const closeBoundMs = 5000;

export interface EngineThreadHandler {
  onEvent(event: SwarmEvent): void;
  /** The engine has died, with all that it was told. Commands are dropped until the next call. */
  onLost(error: UnavailableError): void;
  /** A new one is there, on the same port, and knows nothing. */
  onRestarted(): void;
}

/** The thread in which the engine lives. One that dies of a bug is replaced. */
export class EngineThread implements AsyncDisposable {
  readonly port: number;
  readonly #settings: EngineSettings;
  readonly #handler: EngineThreadHandler;
  readonly #logger: Logger;
  readonly #pace = new RestartPace();
  /** Aborted when this is disposed of. */
  readonly #closing = new AbortController();
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restart: Promise<void> | undefined;
  #disposal: Promise<void> | undefined;

  private constructor(
    { worker, port }: StartedWorker,
    deps: {
      readonly settings: EngineSettings;
      readonly handler: EngineThreadHandler;
      readonly logger: Logger;
    },
  ) {
    this.#handler = deps.handler;
    this.#logger = deps.logger;
    this.port = port;
    // Trackers and peers know us by this port.
    this.#settings = { ...deps.settings, port };
    this.#adopt(worker);
  }

  /** Starts the engine. @throws {UnavailableError} when the port cannot be had. */
  static async open(
    deps: {
      readonly settings: EngineSettings;
      readonly handler: EngineThreadHandler;
      readonly logger: Logger;
    },
    { signal }: Cancellable,
  ): Promise<EngineThread> {
    return new EngineThread(await startWorker(deps.settings, { signal }), deps);
  }

  /** Whether commands reach an engine. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /** Tells the engine something; nothing happens while there is none. */
  post(command: SwarmCommand): void {
    this.#worker?.postMessage(command);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    await this.#disposal;
  }

  async #dispose(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#restart;
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, "exit");
    const cut = setTimeout(() => void worker.terminate(), closeBoundMs);
    worker.postMessage({ type: "close" } satisfies SwarmCommand);
    await ended.catch(() => undefined);
    clearTimeout(cut);
  }

  #adopt(worker: Worker): void {
    this.#worker = worker;
    let cause: unknown;
    worker.on("message", (event: SwarmEvent) => this.#handler.onEvent(event));
    worker.on("error", (error) => (cause = error));
    worker.on("exit", () => this.#onExit(cause));
  }

  #onExit(cause: unknown): void {
    this.#worker = undefined;
    if (this.#closing.signal.aborted) return;
    const error = cause instanceof Error ? cause.stack : String(cause);
    this.#logger.error("swarm engine has died", { error });
    this.#handler.onLost(new UnavailableError("Cannot use the swarm: its engine died", { cause }));
    this.#restartLater();
  }

  #restartLater(): void {
    this.#timer = setTimeout(() => {
      this.#restart = this.#startAgain();
    }, this.#pace.delayMs(performance.now()));
  }

  async #startAgain(): Promise<void> {
    try {
      const { worker } = await startWorker(this.#settings, this.#closing);
      this.#adopt(worker);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#logger.error("swarm engine cannot be started again", { error: String(error) });
      this.#restartLater();
      return;
    }
    this.#logger.warn("swarm engine was started again");
    this.#handler.onRestarted();
  }
}

interface StartedWorker {
  readonly worker: Worker;
  readonly port: number;
}

/** @throws {UnavailableError} when the port cannot be had, or the thread ends at once. */
async function startWorker(
  workerData: EngineSettings,
  { signal }: Cancellable,
): Promise<StartedWorker> {
  signal.throwIfAborted();
  const worker = new Worker(new URL("./swarm-worker.ts", import.meta.url), { workerData });
  const ended = once(worker, "exit").then((): never => {
    throw new UnavailableError("Cannot start the swarm's engine: its thread ended");
  });
  ended.catch(() => undefined);
  try {
    const told = Promise.race([once(worker, "message"), ended]);
    const [event] = (await abortable(told, signal)) as [SwarmEvent];
    if (event.type === "listening") return { worker, port: event.port };
    throw event.type === "broken" ? errorFrom(event.failure) : new Error("engine did not start");
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}
