import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { repositoryPath } from "../support/repository.ts";
import type { StepResult } from "./summary.ts";

/** Runs a tool of `node_modules` over the repository; what it prints is shown. */
export async function runTool(
  name: string,
  args: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<StepResult> {
  const program = join(repositoryPath, "node_modules", ".bin", name);
  return { outcome: (await runShown(program, args, { signal })) ? "passed" : "failed" };
}

/** Runs a program in the repository whose output is shown, and tells whether it ended well. */
export async function runShown(
  program: string,
  args: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<boolean> {
  const child = spawn(program, args, {
    cwd: repositoryPath,
    stdio: ["ignore", "inherit", "inherit"],
  });
  // It has time to clean up: what it started is not ours to end.
  const onAbort = () => child.kill("SIGTERM");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const [status] = (await once(child, "close")) as [number | null];
    return status === 0;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
