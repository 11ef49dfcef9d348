import { z } from "zod";

import { InvalidArgumentError } from "./errors.ts";

/** What a node tells the seeder of a task. */
export interface NodeTaskReport {
  /**
   * `waiting` for tasks that came first, `paused` while a pull is under way on the node;
   * `done`, `failed` and `canceled` are last words.
   */
  readonly state: "waiting" | "fetching" | "paused" | "done" | "failed" | "canceled";
  /** Bytes of the image that the node has. */
  readonly bytes: number;
  /** Bytes that it will have; 0 before it has read the manifests. */
  readonly size: number;
  /** Why it failed, in one line. */
  readonly problem?: string;
}

/** Longest report in bytes, its problem at its longest. */
export const nodeTaskReportLengthMax = 8 * 1024;

/** Longest problem: an error message with a reference in it. */
const problemLengthMax = 1000;

const reportSchema = z.object({
  state: z.enum(["waiting", "fetching", "paused", "done", "failed", "canceled"]),
  bytes: z.int().min(0),
  size: z.int().min(0),
  problem: z.string().max(problemLengthMax).exactOptional(),
});

/** Whether nothing more follows. */
export function isLastReport({ state }: NodeTaskReport): boolean {
  return state === "done" || state === "failed" || state === "canceled";
}

/** Renders a report; of a problem that is too long the end is left out. */
export function formatNodeTaskReport(report: NodeTaskReport): string {
  const { problem, ...rest } = report;
  if (problem === undefined) return JSON.stringify(rest);
  return JSON.stringify({ ...rest, problem: problem.slice(0, problemLengthMax) });
}

/** Reads a report. @throws {InvalidArgumentError} */
export function parseNodeTaskReport(value: unknown): NodeTaskReport {
  const { success, data } = reportSchema.safeParse(value);
  if (success) return data;
  throw new InvalidArgumentError("Cannot parse the report: want state, bytes and size");
}
