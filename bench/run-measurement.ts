import { withDisposeStack } from "../core/async/dispose-stack.ts";
import { createDeadline } from "../core/async/deadline.ts";
import { createTemporaryDirectory } from "../integration/support/temporary-directory.ts";
import { judge, type Verdict } from "./figure.ts";
import type { BenchContext, Measurement } from "./measurement.ts";

export interface RunOptions extends Omit<BenchContext, "rounds" | "directory" | "stack"> {
  readonly rounds: number | undefined;
}

/**
 * Runs a measurement in a folder of its own, within its time bound, and leaves nothing behind.
 *
 * @throws {DOMException} `TimeoutError` when it takes longer than its bound.
 */
export async function runMeasurement(
  measurement: Measurement,
  { rounds = measurement.rounds, signal, tell, ...chosen }: RunOptions,
): Promise<readonly Verdict[]> {
  const deadline = createDeadline(signal, measurement.withinMs);
  try {
    return await withDisposeStack(async (stack) => {
      const { path: directory } = stack.use(await createTemporaryDirectory());
      const told = (text: string) => tell(`${measurement.name}: ${text}`);
      const context = { ...chosen, rounds, directory, stack, tell: told };
      const figures = await measurement.run({ ...context, signal: deadline.signal });
      return figures.map(judge);
    });
  } catch (error) {
    // Failures that are only the echo of an end that was ordered tell nobody anything.
    deadline.signal.throwIfAborted();
    throw error;
  } finally {
    deadline[Symbol.dispose]();
  }
}
