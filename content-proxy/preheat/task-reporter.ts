import { pause } from "../../core/async/pause.ts";
import type { NodeTaskReport } from "../../core/node-task-report.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { SeederTasks } from "./seeder-tasks.ts";

/** What {@link reportWhile} works with. */
export interface TaskReporterDeps extends Cancellable {
  readonly id: string;
  readonly seeder: Pick<SeederTasks, "report">;
  /** How far the task is now. */
  readonly progress: () => NodeTaskReport;
  /** Called when the seeder does not want the task any more. */
  readonly onUnwanted: () => void;
}

/** Milliseconds between two reports: hundreds of nodes send them at once. */
const reportIntervalMs = 2000;

/** Reports of which nothing is told when nothing changed: the seeder wants one each two minutes. */
const unchangedMax = 14;

/** Pauses before the last word is said again, in milliseconds: all depends on it. */
const lastWordPausesMs = [1000, 5000, 15_000];

/**
 * Reports on a task while `work` goes on, and then what came of it. What cannot be told
 * is left out: a seeder that is gone knows by the end of the connection. Never rejects.
 */
export async function reportWhile(
  work: () => Promise<NodeTaskReport>,
  deps: TaskReporterDeps,
): Promise<void> {
  const working = new AbortController();
  const telling = tell(deps, working.signal).catch(() => undefined);
  const lastWord = await work();
  working.abort();
  await telling;
  await sayLast(lastWord, deps).catch(() => undefined);
}

async function tell(
  { id, seeder, progress, onUnwanted, signal }: TaskReporterDeps,
  working: AbortSignal,
): Promise<void> {
  let told = "";
  for (let unchanged = 0; ; unchanged++) {
    await pause(reportIntervalMs, working);
    const report = progress();
    const text = JSON.stringify(report);
    if (text === told && unchanged < unchangedMax) continue;
    unchanged = 0;
    const isWanted = await seeder.report(id, report, { signal }).catch(() => true);
    if (!isWanted) onUnwanted();
    told = text;
  }
}

async function sayLast(
  report: NodeTaskReport,
  { id, seeder, signal }: TaskReporterDeps,
): Promise<void> {
  for (const pauseMs of lastWordPausesMs) {
    try {
      await seeder.report(id, report, { signal });
      return;
    } catch {
      await pause(pauseMs, signal);
    }
  }
  await seeder.report(id, report, { signal });
}
