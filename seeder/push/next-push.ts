import type { PushQueue, WaitingPush } from "./push-queue.ts";
import type { PushRecord } from "./push-record.ts";

/** The push to deliver next, or when there may be one by itself. */
export interface NextPush {
  readonly push?: WaitingPush;
  /** By the monotonic clock; `Infinity` when only news can make one. */
  readonly atMs: number;
}

/** What {@link nextPush} goes by, beside the queue. */
export interface NextPushOptions {
  readonly nowMs: number;
  readonly isRunning: (push: WaitingPush) => boolean;
  /** Until when a registry is left in peace. */
  readonly outageUntilMs: (registry: string) => number;
}

/**
 * Chooses the push that failed least, of those the oldest. One waits while something that must
 * be there before it is on the queue itself; others of the same repository do not wait for it.
 */
export function nextPush(
  queue: Pick<PushQueue, "all" | "waits">,
  { nowMs, isRunning, outageUntilMs }: NextPushOptions,
): NextPush {
  let best: WaitingPush | undefined;
  let atMs = Infinity;
  for (const waiting of queue.all()) {
    if (isRunning(waiting) || mustWait(waiting.push, queue)) continue;
    const notBeforeMs = Math.max(waiting.notBeforeMs, outageUntilMs(waiting.push.registry));
    if (notBeforeMs > nowMs) atMs = Math.min(atMs, notBeforeMs);
    else if (!best || waiting.failures < best.failures) best = waiting;
  }
  return best ? { push: best, atMs: nowMs } : { atMs };
}

/** Whether something that the registry wants to have before is still to come. */
export function mustWait(push: PushRecord, queue: Pick<PushQueue, "waits">): boolean {
  const { kind, descriptor } = push;
  if (kind === "blob") return false;
  if (kind === "tag") return queue.waits(push, "manifest", descriptor.digest);
  return (
    push.blobs.some(({ digest }) => queue.waits(push, "blob", digest)) ||
    push.manifests.some(({ digest }) => queue.waits(push, "manifest", digest))
  );
}
