import { createDeadline } from "../../core/async/deadline.ts";
import { Limiter } from "../../core/async/limiter.ts";
import { CodedError, codeOf } from "../../core/errors.ts";
import { formatImageReference } from "../../core/image-reference.ts";
import type { NodeTask } from "../../core/node-task.ts";
import type { NodeTaskReport } from "../../core/node-task-report.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { PreheatReport } from "../../core/service-status.ts";
import { ImagePreheat, type ImagePreheatDeps } from "./image-preheat.ts";
import type { SeederTasks } from "./seeder-tasks.ts";
import { reportWhile } from "./task-reporter.ts";

/** What {@link TaskRunner} works with. */
export interface TaskRunnerDeps extends ImagePreheatDeps {
  readonly logger: Logger;
}

/** Tasks of all seeders together: each waits for those before it. */
const tasksMax = 16;

/** Does the tasks that seeders give, one after the other. */
export class TaskRunner {
  readonly #deps: TaskRunnerDeps;
  readonly #limiter = new Limiter(1);
  /** How far each is that waits or runs. */
  readonly #tasks = new Map<NodeTask, () => NodeTaskReport>();

  constructor(deps: TaskRunnerDeps) {
    this.#deps = deps;
  }

  /** Those that wait or run, for people to look at. */
  report(): PreheatReport[] {
    return [...this.#tasks].flatMap(([{ image }, progress]) => {
      const { state, bytes, size } = progress();
      const isUnderWay = state === "waiting" || state === "fetching" || state === "paused";
      return isUnderWay ? [{ image: formatImageReference(image), state, bytes, size }] : [];
    });
  }

  /**
   * Does a task when its turn comes, and tells its seeder. Never rejects.
   *
   * @param signal Ends the task; the seeder is told so.
   * @param connection Ends with the connection to the seeder, who is told nothing then.
   */
  async run(
    task: NodeTask,
    {
      seeder,
      signal,
      connection,
    }: Cancellable & {
      readonly seeder: Pick<SeederTasks, "report">;
      readonly connection: AbortSignal;
    },
  ): Promise<void> {
    const unwanted = createDeadline(signal);
    const image = new ImagePreheat(task, this.#deps);
    let isBegun = false;
    const progress = (): NodeTaskReport =>
      isBegun ? image.progress : { state: "waiting", bytes: 0, size: 0 };
    const work = async () => {
      isBegun = true;
      await image.run(unwanted);
    };
    const isTooMany = this.#tasks.size >= tasksMax;
    if (!isTooMany) this.#tasks.set(task, progress);
    try {
      await reportWhile(
        async () => {
          if (isTooMany) return { ...progress(), state: "failed", problem: "too many tasks wait" };
          const failure = await this.#limiter
            .run(unwanted.signal, work)
            .then(() => undefined)
            .catch((error: unknown) => ({ error }));
          return this.#lastWord(task, { progress: progress(), failure });
        },
        {
          ...{ id: task.id, seeder, progress, signal: connection },
          onUnwanted: () => unwanted.abort(new DOMException("Not wanted", "AbortError")),
        },
      );
    } finally {
      this.#tasks.delete(task);
      unwanted[Symbol.dispose]();
    }
  }

  #lastWord(
    { image }: NodeTask,
    ended: {
      readonly progress: NodeTaskReport;
      readonly failure: { readonly error: unknown } | undefined;
    },
  ): NodeTaskReport {
    const { logger } = this.#deps;
    const { bytes, size } = ended.progress;
    const fields = { image: formatImageReference(image), bytes };
    if (!ended.failure) {
      logger.info("preheated an image", fields);
      return { state: "done", bytes, size };
    }
    const { error } = ended.failure;
    const code = codeOf(error);
    if (code === "canceled") {
      logger.info("preheat was canceled", fields);
      return { state: "canceled", bytes, size };
    }
    const problem = error instanceof CodedError ? error.message : code.replace("_", " ");
    logger.warn("cannot preheat an image", {
      ...{ ...fields, code },
      problem: code === "internal" ? error : problem,
    });
    return { state: "failed", bytes, size, problem };
  }
}
