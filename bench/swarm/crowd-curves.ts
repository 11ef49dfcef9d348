import type { CompletionCurve } from "../plot/completion-plot.ts";
import type { CrowdResult } from "./crowd-once.ts";

/** When each node was done; `lostSeconds` for one that was not, in the time that it was given. */
export function doneSeconds({ nodes }: CrowdResult, lostSeconds: number): number[] {
  return nodes.map(({ doneMs }) => (doneMs === undefined ? lostSeconds : doneMs / 1000));
}

/** One curve of all rounds together. */
export function completionCurve(name: string, results: readonly CrowdResult[]): CompletionCurve {
  const nodes = results.flatMap((result) => result.nodes);
  const done = nodes.map(({ doneMs }) => doneMs).filter((doneMs) => doneMs !== undefined);
  return { name, doneSeconds: done.map((doneMs) => doneMs / 1000), nodeCount: nodes.length };
}
