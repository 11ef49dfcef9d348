import { Command, CommanderError, Option } from "commander";

import packageJson from "../package.json" with { type: "json" };
import { CodedError, ConfigError, codeOf } from "../core/errors.ts";
import { logLevels, type LogLevel } from "../core/system/json-logger.ts";
import { serviceNames } from "../core/config/service-of-config.ts";
import type { ServiceName } from "../core/service-status.ts";
import type { CliContext, Done } from "./cli-context.ts";
import { checkConfig } from "./check-config.ts";
import { addContainerdCommands } from "./containerd/commands.ts";
import { type ExitCode, exitCodes, exitCodesHelp } from "./exit-code.ts";
import { addPreheatCommand } from "./preheat/command.ts";
import { addPushesCommands } from "./pushes/command.ts";
import { readTextFile } from "./read-text-file.ts";
import { runService } from "./run-service.ts";
import { parseServiceConfig } from "./service-config.ts";
import { startService } from "./start-service.ts";
import { addStatusCommand } from "./status/command.ts";

const summaries: Readonly<Record<ServiceName, string>> = {
  "content-proxy": "run the content store of a node, which containerd asks",
  seeder: "run a seeder, which gets blobs from registries and gives them to nodes",
  tracker: "run a tracker, which tells nodes of each other",
};

/** Runs the command that the arguments name, and tells how it ended. Never throws. */
export async function runProgram(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const done: Done = async (work) => {
    exitCode = await work();
  };
  try {
    const program = createProgram({ context, done });
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    return explain(error, context);
  }
}

function createProgram({
  context,
  done,
}: {
  readonly context: CliContext;
  readonly done: Done;
}): Command {
  const program = new Command("shoal")
    .description("A containerd content store whose bytes come from a BitTorrent swarm.")
    .version(packageJson.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", exitCodesHelp)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, "shoal: ")),
    });
  for (const service of serviceNames) addServiceCommand(program, service, { context, done });
  addPreheatCommand(program, { context, done });
  addPushesCommands(program, { context, done });
  addStatusCommand(program, { context, done });
  addContainerdCommands(program, { context, done });
  addConfigCommand(program, { context, done });
  hintAtHelp(program, program.name());
  return program;
}

/** Has wrong usage name the help of the very command that was used. */
function hintAtHelp(command: Command, words: string): void {
  command.showHelpAfterError(`Try '${words} --help'.`);
  for (const each of command.commands) hintAtHelp(each, `${words} ${each.name()}`);
}

interface ServiceFlags {
  readonly config?: string;
  readonly logLevel: LogLevel;
}

function addServiceCommand(
  program: Command,
  service: ServiceName,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  program
    .command(service)
    .description(summaries[service])
    // A required one would be missed before a misspelt one is told of.
    .option("-c, --config <file>", "its configuration (required)")
    .addOption(
      new Option("--log-level <level>", "how much to log").choices(logLevels).default("info"),
    )
    .action(({ config: file, logLevel: level }: ServiceFlags, command: Command) =>
      done(async () => {
        if (file === undefined) {
          return command.error("error: required option '-c, --config <file>' not specified");
        }
        const { environment, signal } = context;
        const readConfig = async () => {
          const text = await readTextFile(file, { signal });
          return parseServiceConfig(service, { text, file, environment });
        };
        const config = { ...(await readConfig()), readConfig };
        return runService(
          { service, level, start: (deps, options) => startService(config, deps, options) },
          context,
        );
      }),
    );
}

function addConfigCommand(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  program
    .command("config")
    .description("work with configurations")
    .command("check")
    .description("tell every problem of a configuration at once")
    .argument("<file>", "the configuration")
    .addOption(
      new Option("--service <name>", "what it is for; default: its key `service`").choices(
        serviceNames,
      ),
    )
    .action((file: string, { service }: { service?: ServiceName }) =>
      done(() => checkConfig({ file, service }, context)),
    );
}

/** Tells a person what went wrong, and gives the exit code for it. */
function explain(error: unknown, { stderr, signal }: CliContext): ExitCode {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  if (signal.aborted && codeOf(error) === "canceled") return exitCodes.interrupted;
  if (error instanceof ConfigError) {
    stderr.write(error.problems.map((problem) => `${problem}\n`).join(""));
    return exitCodes.usage;
  }
  if (error instanceof CodedError) {
    stderr.write(`shoal: ${error.message}\n`);
    return error.code === "invalid_argument" ? exitCodes.usage : exitCodes.failure;
  }
  const story = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr.write(`shoal: internal error: ${story}\n`);
  return exitCodes.failure;
}
