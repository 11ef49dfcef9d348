// What `npm run demo` runs: a cluster of three nodes on this machine pulls a real image.
// With `--plain` containerd does all by itself, for comparison.
import { inspect, parseArgs } from "node:util";

import { MissingPackagesError, obstacleOfMachine } from "../support/apt-packages.ts";
import { InterruptedError, withInterruptibleStack } from "../support/interruptible.ts";
import { runDemo } from "./run-demo.ts";

/** The demo cannot run here, whatever is installed. */
class UnfitMachineError extends Error {
  override readonly name = "UnfitMachineError";

  constructor(obstacle: string) {
    super(`Cannot run the demo: ${obstacle}. It needs Debian 12 or newer, and root.`);
  }
}

const { values } = parseArgs({ options: { plain: { type: "boolean", default: false } } });

try {
  const obstacle = await obstacleOfMachine();
  if (obstacle !== undefined) throw new UnfitMachineError(obstacle);
  await withInterruptibleStack((stack, { signal }) =>
    runDemo({ stack, signal, isPlain: values.plain }),
  );
  process.stdout.write("Everything that was started is gone again.\n");
} catch (error) {
  process.stderr.write(`\n${describe(error)}\n`);
  process.exitCode = error instanceof InterruptedError ? 128 + error.signalNumber : 1;
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
