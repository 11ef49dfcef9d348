import { type Command, Option } from "commander";

import { absolutePath } from "../../core/config/fields.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { formatPeerAddress, parsePeerAddress } from "../../core/peer-address.ts";
import type { CliContext, Done } from "../cli-context.ts";
import { type CheckOptions, checkContainerd } from "./check.ts";
import { type DisableCommand, disableContainerd } from "./disable.ts";
import { type EnableCommand, enableContainerd } from "./enable.ts";
import { type MirroredRegistry, parseMirroredRegistry } from "./mirrored-registry.ts";

const defaultConfig = "/etc/containerd/config.toml";
const defaultSocket = "/run/shoal/content.sock";
const defaultProxyConfig = "/etc/shoal/content-proxy.yaml";
const defaultMirror = "127.0.0.1:7082";
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

  withMirror(withContainerd(containerd.command("enable")))
    .description("write the lines that containerd needs, and show them; keeps a copy of the file")
    .option("--content", "replace containerd's content store (default without --mirror)")
    .option(
      "--no-content",
      "have containerd keep its blobs by itself (default with --mirror alone)",
    )
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
    .action((flags: DisableCommand) => done(() => disableContainerd(flags, context)));

  withContainerd(containerd.command("check"))
    .description("tell what is right and wrong for containerd to use the content proxy")
    .option(
      "--root <folder>",
      "where the content proxy keeps its blobs, if not as --config has it",
      path,
    )
    .option("--config <file>", "configuration of the content proxy", defaultProxyConfig)
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
  return command
    .option("--containerd-config <file>", "containerd's configuration", defaultConfig)
    .option(
      "--certs-dir <folder>",
      "where hosts.toml files are if containerd's configuration names no folder",
      path,
    );
}

function withMirror(command: Command): Command {
  const resolve = new Option("--resolve <yes|no>", "whether the mirror is asked what a tag names");
  return command
    .option("--mirror", "have containerd ask the mirror of the content proxy first", false)
    .option("--no-mirror", "have containerd ask registries by itself (default)")
    .option("--mirror-address <host:port>", "where the mirror listens", address, defaultMirror)
    .option(
      "--registry <host>",
      "give a registry a hosts.toml of its own; repeatable",
      registries,
      [],
    )
    .addOption(resolve.choices(["yes", "no"]).default("yes"));
}

function registries(text: string, before: readonly MirroredRegistry[]): MirroredRegistry[] {
  return [...before, parseMirroredRegistry(text)];
}

function address(text: string): string {
  return formatPeerAddress(parsePeerAddress(text));
}

function path(text: string): string {
  const result = absolutePath().safeParse(text);
  if (result.success) return result.data;
  throw new InvalidArgumentError(
    `Cannot use the path: it ${result.error.issues[0]?.message ?? "is none"}`,
  );
}
