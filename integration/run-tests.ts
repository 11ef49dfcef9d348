// What `npm test` runs: every check of the project, one after the other.
import { parseArgs } from "node:util";

import { obstacleOfMachine } from "./support/apt-packages.ts";
import { InterruptedError, withInterruptibleStack } from "./support/interruptible.ts";
import { prepareIntegration } from "./support/prepare.ts";
import { runNodeTests } from "./test-runner/node-tests.ts";
import { runTool } from "./test-runner/tool.ts";
import { printSummary, type StepResult } from "./test-runner/summary.ts";

interface StepContext {
  readonly signal: AbortSignal;
}

type Step = (context: StepContext) => Promise<StepResult>;

/** Folders with tests that need neither root nor containerd. */
const unitFolders = [
  ...["core", "content-proxy", "seeder", "tracker", "cli", "config", "protos", "bench"],
];

/** Cheap ones first: a misspelt name should not take minutes to be found. */
const steps: Readonly<Record<string, Step>> = {
  types: (context) => runTool("tsc", ["--noEmit"], context),
  lint: (context) => runTool("eslint", ["."], context),
  format: (context) => runTool("prettier", ["--check", "."], context),
  unused: (context) => runTool("knip", [], context),
  unit: (context) =>
    runNodeTests(
      unitFolders.map((folder) => `${folder}/**/*.test.ts`),
      context,
    ),
  integration: runIntegration,
};

/** Real daemons on real networks, so it needs a machine that we may change. */
async function runIntegration(context: StepContext): Promise<StepResult> {
  const obstacle = await obstacleOfMachine();
  if (obstacle !== undefined) {
    const message = `not on this machine: ${obstacle}; run it as root on Debian`;
    const isRequired = process.env["CI"] === "true";
    return { outcome: isRequired ? "failed" : "skipped", message };
  }
  await prepareIntegration();
  // Each file has a cluster of its own: two at once are more than a small machine holds.
  return runNodeTests(["integration/**/*.test.ts"], { ...context, filesAtOnce: 1 });
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const names = values.only?.split(",") ?? Object.keys(steps);
const unknown = names.filter((name) => !(name in steps));

if (unknown.length > 0) {
  const known = Object.keys(steps).join(",");
  process.stderr.write(`No step ${unknown.join(", ")}. Usage: npm test -- [--only ${known}]\n`);
  process.exitCode = 2;
} else {
  const isGood = await runSteps();
  process.exitCode = isGood ? 0 : 1;
}

async function runSteps(): Promise<boolean> {
  const results: { name: string; durationMs: number; result: StepResult }[] = [];
  try {
    await withInterruptibleStack(async (_stack, context) => {
      for (const name of names) {
        process.stdout.write(`\n=== ${name}\n`);
        const start = performance.now();
        const result = await runStep(name, context);
        context.signal.throwIfAborted();
        results.push({ name, result, durationMs: performance.now() - start });
      }
    });
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  }
  return printSummary(results);
}

async function runStep(name: string, context: StepContext): Promise<StepResult> {
  try {
    return (await steps[name]?.(context)) ?? { outcome: "skipped" };
  } catch (error) {
    return { outcome: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}
