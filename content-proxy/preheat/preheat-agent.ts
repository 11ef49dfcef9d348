import { createDeadline } from "../../core/async/deadline.ts";
import { pause } from "../../core/async/pause.ts";
import { codeOf } from "../../core/errors.ts";
import type { NodeHello } from "../../core/node-hello.ts";
import type { NodeTaskMessage } from "../../core/node-task.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { SeederTasks } from "./seeder-tasks.ts";
import type { TaskRunner } from "./task-runner.ts";

/** What {@link PreheatAgent} works with. */
export interface PreheatAgentDeps {
  readonly seeders: readonly SeederTasks[];
  readonly hello: NodeHello;
  readonly runner: Pick<TaskRunner, "run">;
  readonly logger: Logger;
  /** Gives 0 to 1. */
  readonly random: () => number;
}

/** Over how many milliseconds nodes come back to a seeder after one and after many failures. */
const reconnectSpreadMs = { first: 10_000, max: 120_000 } as const;

/** Waits for tasks of each seeder, as long as it lives. */
export class PreheatAgent implements AsyncDisposable {
  readonly #deps: PreheatAgentDeps;
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  private constructor(deps: PreheatAgentDeps) {
    this.#deps = deps;
    this.#loops = deps.seeders.map((seeder) => this.#loop(seeder));
  }

  /** Begins to wait. */
  static start(deps: PreheatAgentDeps): PreheatAgent {
    return new PreheatAgent(deps);
  }

  /** Ends all tasks. What came of them stays, and is thrown away later if nobody wants it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException("The content proxy stops", "AbortError"));
    await Promise.all(this.#loops);
  }

  /** Never rejects. */
  async #loop(seeder: SeederTasks): Promise<void> {
    const { random } = this.#deps;
    const { signal } = this.#stop;
    const logger = this.#deps.logger.with({ seeder: seeder.url });
    let isDown = false;
    const answers = () => {
      if (isDown) logger.info("seeder gives tasks again");
      isDown = false;
    };
    for (let failures = 0; !signal.aborted;) {
      const isKnown = await this.#listen(seeder, { logger, answers }).catch((error: unknown) => {
        // A seeder without this route is asked on, seldom: it may be a newer one one day.
        if (!isDown && !signal.aborted) {
          logger.warn("cannot wait for tasks of a seeder", { code: codeOf(error), error });
        }
        isDown = true;
        return false;
      });
      failures = isKnown ? 1 : failures + 1;
      await pause(reconnectPauseMs(failures, random), signal).catch(() => undefined);
    }
  }

  /** Does what the seeder says until it hangs up; whether it said anything. Its tasks end with it. */
  async #listen(
    seeder: SeederTasks,
    { logger, answers }: { readonly logger: Logger; readonly answers: () => void },
  ): Promise<boolean> {
    const { hello } = this.#deps;
    const connection = createDeadline(this.#stop.signal);
    const tasks = new Map<string, { readonly cancel: () => void; readonly end: Promise<void> }>();
    let hasSaid = false;
    try {
      for await (const message of seeder.open(hello, connection)) {
        hasSaid = true;
        answers();
        this.#take(message, { seeder, tasks, connection: connection.signal });
      }
    } catch (error) {
      if (!hasSaid) throw error;
      logger.debug("a seeder hung up", { code: codeOf(error) });
    } finally {
      connection.abort(new DOMException("The seeder is gone", "AbortError"));
      connection[Symbol.dispose]();
      await Promise.all([...tasks.values()].map(({ end }) => end));
    }
    return hasSaid;
  }

  #take(
    message: NodeTaskMessage,
    {
      seeder,
      tasks,
      connection,
    }: {
      readonly seeder: SeederTasks;
      readonly tasks: Map<string, { readonly cancel: () => void; readonly end: Promise<void> }>;
      readonly connection: AbortSignal;
    },
  ): void {
    if (message.task === "cancel") tasks.get(message.id)?.cancel();
    if (message.task !== "preheat" || tasks.has(message.id)) return;
    const { id } = message;
    const canceling = createDeadline(connection);
    const { signal } = canceling;
    const end = this.#deps.runner.run(message, { seeder, signal, connection }).finally(() => {
      canceling[Symbol.dispose]();
      tasks.delete(id);
    });
    const cancel = () =>
      canceling.abort(new DOMException("The preheat was canceled", "AbortError"));
    tasks.set(id, { cancel, end });
  }
}

/** Thousands of nodes must not come back as one to a seeder that was restarted. */
function reconnectPauseMs(failures: number, random: () => number): number {
  const { first, max } = reconnectSpreadMs;
  return 500 + random() * Math.min(max, first * 2 ** Math.min(failures - 1, 16));
}
