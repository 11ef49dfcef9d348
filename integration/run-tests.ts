// What `npm test` runs: every check of the project, one after the other.
import { parseArgs } from "node:util";

import { adviceForMachine } from "./support/apt-packages.ts";
import { InterruptedError, withInterruptibleStack } from "./support/interruptible.ts";
import { integrationPackages, prepareIntegration } from "./support/prepare.ts";
import { readScriptArguments } from "./support/script-arguments.ts";
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

/** The slowest file of unit tests takes a minute where two run at once on a small machine. */
const unitFileTimeoutMs = 5 * 60_000;

/** Some pull images of gigabytes, and wait for containerd to start and stop. */
const integrationFileTimeoutMs = 10 * 60_000;

/** Cheap ones first: a misspelt name should not take minutes to be found. */
const steps: Readonly<Record<string, Step>> = {
  types: (context) => runTool("tsc", ["--noEmit"], context),
  lint: (context) => runTool("eslint", ["."], context),
  format: (context) => runTool("prettier", ["--check", "."], context),
  unused: (context) => runTool("knip", [], context),
  unit: (context) =>
    runNodeTests(
      unitFolders.map((folder) => `${folder}/**/*.test.ts`),
      { ...context, fileTimeoutMs: unitFileTimeoutMs },
    ),
  integration: runIntegration,
};

/** Real daemons on real networks, so it needs a machine that we may change. */
async function runIntegration(context: StepContext): Promise<StepResult> {
  const advice = await adviceForMachine(integrationPackages);
  if (advice !== undefined) {
    const message = `not on this machine, it needs Debian and root: ${advice}`;
    const isRequired = process.env["CI"] === "true";
    return { outcome: isRequired ? "failed" : "skipped", message };
  }
  await prepareIntegration();
  // Each file has a cluster of its own: two at once are more than a small machine holds.
  const options = { fileTimeoutMs: integrationFileTimeoutMs, filesAtOnce: 1 };
  return runNodeTests(["integration/**/*.test.ts"], { ...context, ...options });
}

const usage = `usage: npm test -- [--only ${Object.keys(steps).join(",")}]

  --only    some of the steps, in that order
`;

const values = readScriptArguments(
  () =>
    parseArgs({
      options: { only: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
    }).values,
  usage,
);
if (values) process.exitCode = await runNamed(values.only?.split(",") ?? Object.keys(steps));

/** @returns the exit code */
async function runNamed(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !(name in steps));
  if (unknown.length === 0) return (await runSteps(names)) ? 0 : 1;
  process.stderr.write(`There is no step ${unknown.join(", ")}\n\n${usage}`);
  return 2;
}

async function runSteps(names: readonly string[]): Promise<boolean> {
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
