import { type Command, Option } from "commander";

import { pause } from "../../core/async/pause.ts";
import type { CliContext, Done } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { readTextFile } from "../read-text-file.ts";
import { adminUrlOf, serviceUrl } from "../service-address.ts";
import { readStatus } from "./read-status.ts";
import { renderStatus } from "./render-status.ts";

/** Where the content proxy of this machine tells of itself. */
const defaultUrl = "http://127.0.0.1:7081";

/** Often enough to see a download move, seldom enough to read. */
const watchIntervalMs = 2000;

/** Moves the cursor home and clears what is below. */
const clearScreen = "\u001b[H\u001b[J";

interface Flags {
  readonly url?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly watch?: boolean;
}

/** Adds `shoal status`. */
export function addStatusCommand(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  program
    .command("status")
    .description("show what a running service holds, fetches and gives")
    .addOption(
      new Option("--url <url>", `address of the service (default: ${defaultUrl})`).conflicts(
        "config",
      ),
    )
    .option("-c, --config <file>", "take the address from the configuration of the service")
    .option("--json", "print it as JSON")
    .option("-w, --watch", "show it again every 2 seconds until Ctrl-C")
    .action((flags: Flags) => done(() => showStatus(flags, context)));
}

async function showStatus(flags: Flags, context: CliContext): Promise<ExitCode> {
  const { stdout, signal } = context;
  const url = await urlOf(flags, context);
  for (;;) {
    const status = await readStatus(url, { signal });
    const text = flags.json ? `${JSON.stringify(status)}\n` : renderStatus(status);
    stdout.write(flags.watch && !flags.json && stdout.isTerminal ? clearScreen + text : text);
    if (!flags.watch) return exitCodes.ok;
    await pause(watchIntervalMs, signal);
  }
}

async function urlOf({ url, config: file }: Flags, context: CliContext): Promise<string> {
  if (file === undefined) return serviceUrl(url ?? defaultUrl);
  const text = await readTextFile(file, { signal: context.signal });
  return adminUrlOf({ text, file, environment: context.environment });
}
