import { type Command, Option } from "commander";

import { SystemClock } from "../../core/system/system-clock.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { parseImageReference } from "../../core/image-reference.ts";
import { areNodeLabels } from "../../core/node-hello.ts";
import { formatPlatform, parsePlatform } from "../../core/platform.ts";
import type { CliContext, Done } from "../cli-context.ts";
import type { ExitCode } from "../exit-code.ts";
import { readTextFile } from "../read-text-file.ts";
import { seederUrlsOf, serviceUrl } from "../service-address.ts";
import { preheat } from "./preheat.ts";
import type { PreheatRequest } from "./request.ts";
import { cancelPreheat, listPreheats } from "./running.ts";

/** Where a seeder listens when nothing else is said. */
const defaultSeeder = "http://127.0.0.1:7072";

interface Flags {
  readonly seeder?: readonly string[];
  readonly config?: string;
  readonly platform?: readonly string[];
  readonly allPlatforms?: boolean;
  readonly scope?: "seeders" | "nodes";
  readonly nodesWith?: Readonly<Record<string, string>>;
  readonly nodesPercent?: number;
  readonly list?: boolean;
  readonly cancel?: string;
  readonly json?: boolean;
}

/** Adds `shoal preheat`. */
export function addPreheatCommand(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  const command = program
    .command("preheat")
    .description("have seeders, and nodes, fetch an image before somebody pulls it")
    .argument("[image]", "its reference, such as registry:5000/team/app:1.0");
  for (const option of options()) command.addOption(option);
  command.action((image: string | undefined, flags: Flags) =>
    done(async () => run(image, flags, context)),
  );
}

/** None is variadic: it would take the reference for one value more. */
function options(): readonly Option[] {
  return [
    new Option("--seeder <url>", `a seeder, may be repeated (default: ${defaultSeeder})`)
      .argParser(addSeeder)
      .conflicts("config"),
    new Option("-c, --config <file>", "take the seeders from the configuration of a service"),
    new Option(
      "--platform <os/arch>",
      "a platform to fetch, may be repeated (default: those of the nodes, else the seeder's own)",
    ).argParser(addPlatform),
    new Option("--all-platforms", "fetch every platform").conflicts("platform"),
    new Option("--scope <scope>", "who gets it; nodes get it from the first seeder").choices([
      "seeders",
      "nodes",
    ]),
    new Option(
      "--nodes-with <label=value>",
      "only nodes with that label, may be repeated; means --scope nodes",
    ).argParser(addLabel),
    new Option(
      "--nodes-percent <number>",
      "only so many of them, always the same ones; means --scope nodes",
    ).argParser(parsePercent),
    new Option("--list", "show the preheats that are under way").conflicts("cancel"),
    new Option("--cancel <id>", "end a preheat that is under way"),
    new Option("--json", "print the seeder's events, one a line"),
  ];
}

async function run(
  image: string | undefined,
  flags: Flags,
  context: CliContext,
): Promise<ExitCode> {
  const { list = false, cancel: id, json = false } = flags;
  if ((image === undefined) === !(list || id !== undefined)) {
    throw new InvalidArgumentError("Cannot tell what to do: want an image, --list or --cancel");
  }
  const request = image === undefined ? undefined : requestOf(image, flags);
  const seeders = await seedersOf(flags, context);
  if (id !== undefined) return cancelPreheat({ seeders, id }, context);
  if (request === undefined) return listPreheats({ seeders, json }, context);
  return preheat({ seeders, request, json, clock: new SystemClock() }, context);
}

function requestOf(image: string, flags: Flags): PreheatRequest {
  // A seeder would refuse it, too, but may not be there to say so.
  parseImageReference(image);
  const { nodesWith, nodesPercent, allPlatforms } = flags;
  const namesNodes = nodesWith !== undefined || nodesPercent !== undefined;
  if (namesNodes && flags.scope === "seeders") {
    throw new InvalidArgumentError("Cannot choose nodes: the scope is seeders");
  }
  const platforms = allPlatforms ? ("all" as const) : flags.platform;
  const scope = namesNodes ? "nodes" : flags.scope;
  return {
    image,
    ...(platforms !== undefined && { platforms }),
    ...(scope !== undefined && { scope }),
    ...(namesNodes && { nodes: { labels: nodesWith ?? {}, percent: nodesPercent ?? 100 } }),
  };
}

async function seedersOf(
  { seeder, config: file }: Flags,
  context: CliContext,
): Promise<readonly string[]> {
  if (file === undefined) return seeder ?? [defaultSeeder];
  const text = await readTextFile(file, { signal: context.signal });
  return seederUrlsOf({ text, file, environment: context.environment });
}

function addSeeder(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, serviceUrl(text)];
}

function addPlatform(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, formatPlatform(parsePlatform(text))];
}

function addLabel(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [key = "", ...rest] = text.split("=");
  const labels = { ...before, [key]: rest.join("=") };
  if (rest.length > 0 && areNodeLabels(labels)) return labels;
  throw new InvalidArgumentError(
    `Cannot read label ${JSON.stringify(text)}: want name=value, such as zone=a`,
  );
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (/^[0-9.]+$/.test(text) && percent > 0 && percent <= 100) return percent;
  throw new InvalidArgumentError(
    `Cannot read ${JSON.stringify(text)}: want more than 0 and at most 100 percent`,
  );
}
