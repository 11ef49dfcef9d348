// What `npm run demo` runs: a cluster of three nodes on this machine pulls a real image.
// With `--plain` containerd does all by itself, for comparison.
import { inspect, parseArgs } from "node:util";

import { MissingPackagesError, adviceForMachine } from "../support/apt-packages.ts";
import { InterruptedError, withInterruptibleStack } from "../support/interruptible.ts";
import { readScriptArguments } from "../support/script-arguments.ts";
import { demoPackages, runDemo } from "./run-demo.ts";

const usage = `usage: npm run demo -- [--plain]

  --plain   containerd does all by itself, for comparison
`;

/** The demo cannot run here, whatever is installed. */
class UnfitMachineError extends Error {
  override readonly name = "UnfitMachineError";

  constructor(advice: string) {
    super(`Cannot run the demo, which needs Debian 12 or newer and root: ${advice}`);
  }
}

const flag = { type: "boolean", default: false } as const;
const values = readScriptArguments(
  () => parseArgs({ options: { plain: flag, help: { ...flag, short: "h" } } }).values,
  usage,
);
if (values) await demonstrate({ isPlain: values.plain });

async function demonstrate({ isPlain }: { readonly isPlain: boolean }): Promise<void> {
  try {
    const advice = await adviceForMachine(demoPackages);
    if (advice !== undefined) throw new UnfitMachineError(advice);
    await withInterruptibleStack((stack, { signal }) => runDemo({ stack, signal, isPlain }));
    process.stdout.write("Everything that was started is gone again.\n");
  } catch (error) {
    process.stderr.write(`\n${describe(error)}\n`);
    process.exitCode = error instanceof InterruptedError ? 128 + error.signalNumber : 1;
  }
}

function describe(error: unknown): string {
  if (error instanceof InterruptedError) {
    return `${error.message}; everything that was started is gone again.`;
  }
  if (error instanceof MissingPackagesError || error instanceof UnfitMachineError) {
    return error.message;
  }
  return inspect(error);
}
