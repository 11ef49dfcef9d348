import type { IngestFolder } from "./ingest-folder.ts";
import type { IngestHash } from "./ingest-hash.ts";

/** What is known of an ingest, whoever has it open. */
export interface IngestState {
  readonly ref: string;
  readonly folder: IngestFolder;
  readonly startedAt: bigint;
  updatedAt: bigint;
  offset: number;
  total: number;
  hash: IngestHash;
  /** The bytes are a blob already that is not owned yet, and not in the folder any more. */
  isPublished: boolean;
}
