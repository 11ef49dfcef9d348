import type { DisposeStack } from "../core/async/dispose-stack.ts";
import type { Figure } from "./figure.ts";

/** What a measurement is given. */
export interface BenchContext {
  readonly rounds: number;
  /** Bytes of data to measure with instead of the measurement's own choice. */
  readonly sizeBytes: number | undefined;
  /** Nodes of a crowd instead of the measurement's own choice. */
  readonly nodeCount: number | undefined;
  /** Whether engines of others are measured too where the reference is not one of them. */
  readonly withOthers: boolean;
  /** Where plots of what was measured go, if the user wants any. */
  readonly plotsDirectory: string | undefined;
  /** A temporary folder, short enough for sockets. */
  readonly directory: string;
  /** Owns all that the measurement starts; disposed of when it ends, however it ends. */
  readonly stack: DisposeStack;
  /** Aborted when the user, or the time bound, ends the measurement. */
  readonly signal: AbortSignal;
  /** Says what is being done, in one line. */
  readonly tell: (text: string) => void;
}

/** One thing measured against its reference. */
export interface Measurement {
  readonly name: string;
  /** What is measured, in one line. */
  readonly summary: string;
  /** Rounds that tell enough when nobody asks for others. */
  readonly rounds: number;
  /** What it may take on a busy machine with these rounds; then something hangs. */
  readonly withinMs: number;
  run(context: BenchContext): Promise<readonly Figure[]>;
}
