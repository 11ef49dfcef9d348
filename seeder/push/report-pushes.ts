import { type PushReport, type PushesReport, statusListMax } from "../../core/service-status.ts";
import { mustWait } from "./next-push.ts";
import type { PushQueue, WaitingPush } from "./push-queue.ts";
import type { Uploads } from "./uploads.ts";
import type { WriteThrough } from "./write-through.ts";

/** What {@link reportPushes} reports on. */
export interface ReportPushesDeps {
  readonly queue: PushQueue;
  readonly uploads: Pick<Uploads, "size">;
  readonly writeThrough: Pick<WriteThrough, "isRunning">;
}

/** What waits for its registry, what is refused first. */
export function reportPushes({ queue, uploads, writeThrough }: ReportPushesDeps): PushesReport {
  const reports = [...queue.all()].map((waiting) => reportPush(waiting, { queue, writeThrough }));
  const refused = reports.filter(({ state }) => state === "refused");
  const others = reports.filter(({ state }) => state !== "refused");
  return {
    uploads: uploads.size,
    waiting: reports.length,
    refused: refused.length,
    list: [...refused, ...others].slice(0, statusListMax),
  };
}

/** One push that waits for its registry, for people to read. */
export function reportPush(
  waiting: WaitingPush,
  options: {
    readonly queue: Pick<PushQueue, "waits">;
    readonly writeThrough: Pick<WriteThrough, "isRunning">;
  },
): PushReport {
  const { id, push, addedAtMs, failures, problem } = waiting;
  const { kind, registry, repository, descriptor } = push;
  const place = `${registry}/${repository}`;
  return {
    ...{ id, kind, failures },
    name: push.kind === "tag" ? `${place}:${push.tag}` : `${place}@${descriptor.digest}`,
    size: descriptor.size,
    since: new Date(addedAtMs).toISOString(),
    state: stateOf(waiting, options),
    ...(problem && { problem: problem.text }),
  };
}

function stateOf(
  waiting: WaitingPush,
  {
    queue,
    writeThrough,
  }: {
    readonly queue: Pick<PushQueue, "waits">;
    readonly writeThrough: Pick<WriteThrough, "isRunning">;
  },
): PushReport["state"] {
  if (writeThrough.isRunning(waiting)) return "writing";
  if (waiting.problem) return waiting.problem.isRefused ? "refused" : "failing";
  return mustWait(waiting.push, queue) ? "behind others" : "waiting";
}
