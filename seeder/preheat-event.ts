import type { Descriptor } from "../core/descriptor.ts";

/** How far a blob of the image is: a line of the answer to `POST /v1/preheat`. */
export interface BlobEvent extends Descriptor {
  readonly event: "blob";
  /** Bytes that are here. */
  readonly bytes: number;
  readonly state: "waiting" | "fetching" | "done" | "failed";
  /** Why it failed, in one line. */
  readonly problem?: string;
}

/** The last line. */
export interface EndEvent {
  readonly event: "end";
  readonly ok: boolean;
  /** Length of all blobs that are here. */
  readonly bytes: number;
  readonly blobs: number;
  readonly durationMs: number;
  readonly error?: string;
}

/** What is told of a preheat under way. */
export type PreheatEvent = BlobEvent | EndEvent;
