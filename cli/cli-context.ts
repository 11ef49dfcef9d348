import type { Environment } from "../core/config/environment-overrides.ts";
import type { ExitCode } from "./exit-code.ts";

/** Where a command writes to. */
export interface Output {
  write(text: string): void;
  /** Whether a person looks at it, who wants bars and colours. */
  readonly isTerminal: boolean;
}

/** All that a command sees of the process it runs in. */
export interface CliContext {
  /** For what was asked for. */
  readonly stdout: Output;
  /** For everything else. */
  readonly stderr: Output;
  readonly environment: Environment;
  /** Aborted when the command shall end. */
  readonly signal: AbortSignal;
  /** Has `reload` called whenever somebody asks for the configuration to be read again. */
  readonly onReload: (reload: () => void) => void;
  /** Ends the process as failed if it is still there after so long. */
  readonly cutAfter: (durationMs: number) => void;
}

/** Has a command done; what it resolves to is how the process ends. */
export type Done = (work: () => Promise<ExitCode>) => Promise<void>;
