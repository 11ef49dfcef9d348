import { type Command, Option } from "commander";

import { SystemClock } from "../../core/system/system-clock.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import type { CliContext, Done } from "../cli-context.ts";
import { readTextFile } from "../read-text-file.ts";
import { seederUrlOf, serviceUrl } from "../service-address.ts";
import { preheat } from "./preheat.ts";

/** Where a seeder listens when nothing else is said. */
const defaultSeeder = "http://127.0.0.1:7072";

interface Flags {
  readonly seeder?: string;
  readonly config?: string;
  readonly platform?: readonly string[];
  readonly allPlatforms?: boolean;
  readonly json?: boolean;
}

/** Adds `shoal preheat`. */
export function addPreheatCommand(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  program
    .command("preheat")
    .description("have a seeder fetch an image before the nodes want it")
    .argument("<image>", "its reference, such as registry:5000/team/app:1.0")
    .addOption(
      new Option("--seeder <url>", `the seeder (default: ${defaultSeeder})`).conflicts("config"),
    )
    .option("-c, --config <file>", "take the seeder from the configuration of a service")
    .addOption(
      // Not variadic: it would take the reference for one more platform.
      new Option(
        "--platform <os/arch>",
        "a platform to fetch, may be repeated (default: the seeder's own)",
      ).argParser(addPlatform),
    )
    .addOption(new Option("--all-platforms", "fetch every platform").conflicts("platform"))
    .option("--json", "print the seeder's events, one a line")
    .action((image: string, flags: Flags) =>
      done(async () => {
        const seeder = await seederOf(flags, context);
        const platforms = flags.allPlatforms ? ("all" as const) : flags.platform;
        const request = { image, ...(platforms !== undefined && { platforms }) };
        const json = flags.json ?? false;
        return preheat({ seeder, request, json, clock: new SystemClock() }, context);
      }),
    );
}

async function seederOf({ seeder, config: file }: Flags, context: CliContext): Promise<string> {
  if (file === undefined) return serviceUrl(seeder ?? defaultSeeder);
  const text = await readTextFile(file);
  return seederUrlOf({ text, file, environment: context.environment });
}

function addPlatform(text: string, before: readonly string[] = []): readonly string[] {
  if (/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9.]+)?$/.test(text)) return [...before, text];
  throw new InvalidArgumentError(
    `Cannot read platform ${JSON.stringify(text)}: want os/architecture, such as linux/amd64`,
  );
}
