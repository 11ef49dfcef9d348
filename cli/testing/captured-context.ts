import type { CliContext, Output } from "../cli-context.ts";

/** A context that keeps what is written, for tests. */
export interface CapturedContext extends CliContext {
  /** Bounds that were set for the end of the process, in milliseconds. */
  readonly cuts: readonly number[];
  readonly text: () => { readonly stdout: string; readonly stderr: string };
}

/** Makes a context without a terminal, unless told otherwise. */
export function capturedContext({
  isTerminal = false,
  signal = new AbortController().signal,
  environment = {},
  onWrite = () => undefined,
  onReload = () => undefined,
}: {
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  readonly environment?: CliContext["environment"];
  /** Told of everything that is written, as soon as it is. */
  readonly onWrite?: (text: string) => void;
  readonly onReload?: CliContext["onReload"];
} = {}): CapturedContext {
  const cuts: number[] = [];
  const written = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTerminal,
    write: (text) => {
      written[name] += text;
      onWrite(text);
    },
  });
  return {
    stdout: output("stdout"),
    stderr: output("stderr"),
    environment,
    signal,
    onReload,
    cutAfter: (durationMs) => cuts.push(durationMs),
    cuts,
    text: () => ({ ...written }),
  };
}
