import type { Descriptor } from "../core/descriptor.ts";
import type { NodeTaskReport } from "../core/node-task-report.ts";

/** The first line of the answer to `POST /v1/preheat`. */
export interface StartEvent {
  readonly event: "start";
  /** By which it is found among those under way, and canceled. */
  readonly id: string;
  readonly image: string;
}

/** How far a blob of the image is. */
export interface BlobEvent extends Descriptor {
  readonly event: "blob";
  /** Bytes that are here. */
  readonly bytes: number;
  readonly state: "waiting" | "fetching" | "done" | "failed";
  /** Why it failed, in one line. */
  readonly problem?: string;
}

/** The seeder has all of the image; now so many nodes get it. */
export interface NodesEvent {
  readonly event: "nodes";
  readonly count: number;
}

/** How far a node is. */
export interface NodeEvent extends NodeTaskReport {
  readonly event: "node";
  /** Its name. */
  readonly node: string;
}

/** The last line. */
export interface EndEvent {
  readonly event: "end";
  readonly ok: boolean;
  /** Length of all blobs that are here. */
  readonly bytes: number;
  readonly blobs: number;
  /** How the nodes ended; left out when none were to get it. Others were not begun with. */
  readonly nodes?: NodeCounts;
  readonly durationMs: number;
  readonly error?: string;
}

/** How many nodes were chosen, and how many of them are through. */
export interface NodeCounts {
  readonly count: number;
  readonly done: number;
  readonly failed: number;
}

/** What is told of a preheat under way. */
export type PreheatEvent = StartEvent | BlobEvent | NodesEvent | NodeEvent | EndEvent;
