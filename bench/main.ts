// What `npm run bench` runs: measures what is named against its reference.
import { MissingPackagesError } from "../integration/support/apt-packages.ts";
import { InterruptedError, withInterruptibleStack } from "../integration/support/interruptible.ts";
import { verdictLine, type Verdict } from "./figure.ts";
import { describeMachine } from "./machine.ts";
import { measurements } from "./measurements.ts";
import { readOptions, usageOf } from "./options.ts";
import { runMeasurement } from "./run-measurement.ts";
import { verdictTable } from "./verdict-table.ts";

/** Misuse is the caller's mistake and no result. */
const exitMisuse = 2;

try {
  process.exitCode = await bench();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`\n${describe(error)}\n`);
}

async function bench(): Promise<number> {
  const options = readOptions(process.argv.slice(2), measurements);
  if (typeof options === "string") {
    process.stderr.write(`bench: ${options}\n\n${usageOf(measurements)}`);
    return exitMisuse;
  }
  if (options.chosen.length === 0) {
    process.stdout.write(usageOf(measurements));
    return 0;
  }
  const tell = (text: string) => void process.stderr.write(`${text}\n`);
  tell(await describeMachine());
  let isOk = true;
  for (const measurement of options.chosen) {
    const verdicts = await withInterruptibleStack((_, { signal }) =>
      runMeasurement(measurement, { ...options, signal, tell }),
    );
    isOk &&= verdicts.every(({ ok }) => ok);
    show(verdicts, options.isJson);
  }
  return isOk ? 0 : 1;
}

function show(verdicts: readonly Verdict[], isJson: boolean): void {
  const text = isJson
    ? verdicts.map((verdict) => `${verdictLine(verdict)}\n`).join("")
    : `\n${verdictTable(verdicts)}\n`;
  process.stdout.write(text);
}

function describe(error: unknown): string {
  if (error instanceof InterruptedError || error instanceof MissingPackagesError) {
    return error.message;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
