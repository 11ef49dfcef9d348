import type { Command } from "commander";

import { absolutePath } from "../../core/config/fields.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import type { CliContext, Done } from "../cli-context.ts";
import { type CheckOptions, checkContainerd } from "./check.ts";
import { disableContainerd } from "./disable.ts";
import { type EnableCommand, enableContainerd } from "./enable.ts";

const defaultConfig = "/etc/containerd/config.toml";
const defaultSocket = "/run/shoal/content.sock";
const defaultRoot = "/var/lib/containerd/io.containerd.content.v1.content";
const defaultSnapshotsRoot = "/var/lib/shoal/snapshots";
const defaultContainerdSocket = "/run/containerd/containerd.sock";

/** Adds `shoal containerd enable`, `disable` and `check`. */
export function addContainerdCommands(
  program: Command,
  { context, done }: { readonly context: CliContext; readonly done: Done },
): void {
  const containerd = program
    .command("containerd")
    .description("have containerd use the content proxy, or not");

  withContainerd(containerd.command("enable"))
    .description("write the lines that containerd needs, and show them; keeps a copy of the file")
    .option("--snapshotter", "have images unpacked by the content proxy, too", false)
    .option("--no-snapshotter", "have containerd unpack images by itself (default)")
    .option(
      "--snapshots-root <folder>",
      "where the content proxy keeps snapshots",
      path,
      defaultSnapshotsRoot,
    )
    .option("--dry-run", "show the lines and change nothing", false)
    .action((flags: EnableCommand) => done(() => enableContainerd(flags, context)));

  withConfigFile(containerd.command("disable"))
    .description("take out what `enable` wrote")
    .option("--dry-run", "show the lines and change nothing", false)
    .action((flags: { containerdConfig: string; dryRun: boolean }) =>
      done(() => disableContainerd(flags, context)),
    );

  withContainerd(containerd.command("check"))
    .description("tell what is right and wrong for containerd to use the content proxy")
    .option("--root <folder>", "where the content proxy keeps its blobs", path, defaultRoot)
    .option(
      "--containerd-socket <path>",
      "socket of containerd itself",
      path,
      defaultContainerdSocket,
    )
    .action((flags: CheckOptions) => done(() => checkContainerd(flags, context)));
}

function withContainerd(command: Command): Command {
  return withConfigFile(command)
    .option("--socket <path>", "socket of the content proxy", path, defaultSocket)
    .option("--containerd <path>", "the containerd program", "containerd");
}

function withConfigFile(command: Command): Command {
  return command.option("--containerd-config <file>", "containerd's configuration", defaultConfig);
}

function path(text: string): string {
  const result = absolutePath().safeParse(text);
  if (result.success) return result.data;
  throw new InvalidArgumentError(
    `Cannot use the path: it ${result.error.issues[0]?.message ?? "is none"}`,
  );
}
