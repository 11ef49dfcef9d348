import { abortable, createDeadline } from "../../core/async/deadline.ts";
import type { Limiter } from "../../core/async/limiter.ts";
import type { NodeTaskReport } from "../../core/node-task-report.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { NodeCounts, NodeEvent, NodesEvent } from "../preheat-event.ts";
import type { ConnectedNode, NodeTable, TaskContent } from "./node-table.ts";

/** What {@link preheatNodes} works with. */
export interface NodePreheatDeps {
  readonly table: Pick<NodeTable, "current" | "start">;
  /** Bounds the nodes that fetch at once, over all preheats. */
  readonly nodeLimiter: Limiter;
  readonly nodesAtOnce: number;
  /** How long one node may take. */
  readonly nodeTimeoutMs: number;
}

/** The nodes that shall have an image. */
export interface NodePreheat {
  readonly chosen: readonly ConnectedNode[];
  /** Each gets what is for its own platform, not all that the task names. */
  readonly hasOwnPlatform: boolean;
}

/**
 * Milliseconds after which a node that says nothing of its task has failed: it reports each
 * half minute at least. The system notices only after a quarter of an hour that it lost power.
 */
const silenceMaxMs = 120_000;

type NodePreheatOptions = NodePreheatDeps &
  Cancellable & { readonly onEvent: (event: NodesEvent | NodeEvent) => void };

/**
 * Has nodes fetch an image, so many at once that their pulls have room beside it. Never
 * rejects: when the signal is aborted, it gives what is done, and tells the others to stop.
 */
export async function preheatNodes(
  { chosen, hasOwnPlatform, task }: NodePreheat & { readonly task: TaskContent },
  options: NodePreheatOptions,
): Promise<NodeCounts> {
  const { nodeLimiter, nodesAtOnce, signal, onEvent } = options;
  onEvent({ event: "nodes", count: chosen.length });
  let [done, failed] = [0, 0];
  const waiting = chosen.values();
  // Few waiters: thousands of them on one limiter and signal would cost their number squared.
  const work = async () => {
    for (const node of waiting) {
      if (signal.aborted) return;
      const platforms = hasOwnPlatform ? [node.hello.platform] : task.platforms;
      const own = { task: { ...task, platforms }, options };
      const isDone = await nodeLimiter.run(signal, () => preheatNode(node, own));
      if (isDone) done++;
      else failed++;
    }
  };
  const workers = Array.from({ length: Math.min(nodesAtOnce, chosen.length) }, work);
  await Promise.allSettled(workers);
  return { count: chosen.length, done, failed };
}

/** Whether the node has the image now. @throws the signal's reason */
async function preheatNode(
  node: ConnectedNode,
  { task, options }: { readonly task: TaskContent; readonly options: NodePreheatOptions },
): Promise<boolean> {
  const { table, nodeTimeoutMs, signal, onEvent } = options;
  const { name } = node.hello;
  let latest: NodeTaskReport = { state: "waiting", bytes: 0, size: 0 };
  const tell = (report: NodeTaskReport) => {
    latest = report;
    onEvent({ event: "node", node: name, ...report });
  };
  const current = table.current(node);
  if (!current) {
    tell({ ...latest, state: "failed", problem: "the node is not connected any more" });
    return false;
  }
  const ended = Promise.withResolvers<boolean>();
  const fallSilent = () => {
    tell({ ...latest, state: "failed", problem: "the node fell silent" });
    ended.resolve(false);
  };
  let silence = setTimeout(fallSilent, silenceMaxMs);
  const started = table.start(current, task, (report) => {
    clearTimeout(silence);
    silence = setTimeout(fallSilent, silenceMaxMs);
    // A last word may not know any more how far it was.
    const { bytes, size } = report.size === 0 ? latest : report;
    tell({ ...report, bytes, size });
    if (report.state === "done") ended.resolve(true);
    if (report.state === "failed" || report.state === "canceled") ended.resolve(false);
  });
  const deadline = createDeadline(signal, nodeTimeoutMs);
  try {
    return await abortable(ended.promise, deadline.signal);
  } catch {
    if (signal.aborted) tell({ ...latest, state: "canceled" });
    signal.throwIfAborted();
    tell({ ...latest, state: "failed", problem: "the node took too long" });
    return false;
  } finally {
    clearTimeout(silence);
    started[Symbol.dispose]();
    deadline[Symbol.dispose]();
  }
}
