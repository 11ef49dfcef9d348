import { parseArgs } from "node:util";

import { parseByteCount } from "../core/config/byte-count.ts";
import type { Measurement } from "./measurement.ts";

/** How the command is used. */
export function usageOf(measurements: readonly Measurement[]): string {
  return `usage: npm run bench -- NAME... [--json] [--rounds N] [--size BYTES] [--nodes N] [--others]
                                [--plots DIR]

  --json         one line of JSON for each figure instead of a table
  --rounds N     how often each side has its turn
  --size BYTES   how much data to measure with, such as 64MiB; figures hold for the default only
  --nodes N      how many nodes a crowd has (cold-crowd, simulate); figures hold for the default only
  --others       measure engines of others too where they are not the reference (swarm-crowd, flash-crowd)
  --plots DIR    draw curves of what was measured into this folder, as SVG (crowds)

${measurements.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join("\n")}
  all            all of these

It ends with 1 when a figure does not hold, or cannot be taken.
`;
}

/** What the caller wants. */
export interface Options {
  readonly chosen: readonly Measurement[];
  readonly isJson: boolean;
  readonly rounds: number | undefined;
  readonly sizeBytes: number | undefined;
  readonly nodeCount: number | undefined;
  readonly withOthers: boolean;
  readonly plotsDirectory: string | undefined;
}

/** Reads the command line; what is wrong with it is given as text. */
export function readOptions(
  args: readonly string[],
  measurements: readonly Measurement[],
): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h", default: false },
        json: { type: "boolean", default: false },
        rounds: { type: "string" },
        size: { type: "string" },
        nodes: { type: "string" },
        others: { type: "boolean", default: false },
        plots: { type: "string" },
      },
    });
    const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
    if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
      return `--rounds must be a whole number above 0, not ${values.rounds}`;
    }
    const nodeCount = values.nodes === undefined ? undefined : Number(values.nodes);
    if (nodeCount !== undefined && !(Number.isInteger(nodeCount) && nodeCount > 0)) {
      return `--nodes must be a whole number above 0, not ${values.nodes}`;
    }
    const sizeBytes = values.size === undefined ? undefined : parseByteCount(values.size);
    return {
      // Without a name the usage is shown.
      chosen: values.help ? [] : choose(positionals, measurements),
      isJson: values.json,
      rounds,
      sizeBytes,
      nodeCount,
      withOthers: values.others,
      plotsDirectory: values.plots,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function choose(
  names: readonly string[],
  measurements: readonly Measurement[],
): readonly Measurement[] {
  if (names.includes("all")) return measurements;
  return names.map((name) => {
    const measurement = measurements.find((each) => each.name === name);
    if (measurement === undefined) throw new Error(`there is no measurement ${name}`);
    return measurement;
  });
}
