import { InvalidArgumentError } from "../../core/errors.ts";
import { readTextFile } from "../read-text-file.ts";
import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { ConfigFile } from "./config-file.ts";
import { type ContainerdConfig, parseContainerdConfig } from "./containerd-config.ts";
import {
  type ContainerdVersion,
  configVersionMaxOf,
  criPullsOf,
  readContainerdVersion,
} from "./containerd-version.ts";
import {
  type EnableOptions,
  enabledContainerdConfig,
  newContainerdConfig,
} from "./enable-lines.ts";
import { addsOwnLines, applyFileEdit, changesFile, diffOf, type FileEdit } from "./file-edit.ts";
import { hostsPathOf, presentRoots, rootsIn } from "./hosts-folders.ts";
import { importedFiles } from "./imported-files.ts";
import { levelHint } from "./level-hint.ts";
import { oldMirrorsConflict } from "./mirror-change.ts";
import {
  foldersBesideMirror,
  mirrorEdits,
  type MirrorPlan,
  mirrorRemovals,
} from "./mirror-edits.ts";
import type { MirroredRegistry } from "./mirrored-registry.ts";
import { withoutOwnBlocks } from "./own-block.ts";
import { scanToml } from "./toml-scanner.ts";

/** Which containerd, and what it is told. */
export interface ContainerdOptions {
  /** Path of containerd's configuration. */
  readonly containerdConfig: string;
  /** Absolute path of the content proxy's socket. */
  readonly socket: string;
  /** Path or name of the containerd program. */
  readonly containerd: string;
  /** Where containerd is to look for `hosts.toml` files, if it does not yet. */
  readonly certsDir?: string | undefined;
}

/** What to say at the end, for containerd reads its configuration only when it starts. */
export const restartHint =
  "Restart containerd for it to take effect (systemctl restart containerd); running containers go on.\n";

/** How `enable` goes about it. */
export interface EnableCommand extends ContainerdOptions {
  /** Whether containerd's content store is replaced; where nobody said, only without the mirror. */
  readonly content?: boolean | undefined;
  /** Whether containerd unpacks images with our snapshotter, too. */
  readonly snapshotter: boolean;
  /** Absolute path of the folder where the content proxy keeps snapshots. */
  readonly snapshotsRoot: string;
  /** Whether containerd asks the mirror of the node before registries. */
  readonly mirror: boolean;
  /** Host and port of the mirror. */
  readonly mirrorAddress: string;
  /** Whether the mirror is asked what a tag names. */
  readonly resolve: "yes" | "no";
  /** Registries that get a `hosts.toml` of their own. */
  readonly registry: readonly MirroredRegistry[];
  readonly dryRun: boolean;
}

/**
 * Writes the lines that make containerd use our content store, our snapshotter and the mirror,
 * each or not, and shows the difference. Idempotent.
 *
 * @throws {FailedPreconditionError} when containerd or its configuration do not allow it.
 * @throws {InvalidArgumentError} when what is wanted contradicts itself.
 */
export async function enableContainerd(
  command: EnableCommand,
  { stdout, stderr, signal }: CliContext,
): Promise<ExitCode> {
  const level = levelOf(command);
  const version = await readContainerdVersion(command.containerd, { signal });
  const file = await ConfigFile.open(command.containerdConfig);
  const clean = file.text === undefined ? undefined : withoutOwnBlocks(file.text, file.path);
  // Mistakes are told by the lines of the file as it is, with our blocks in it.
  if (file.text !== undefined) scanToml(file.text, file.path);
  const config = parseContainerdConfig(clean ?? "", file.path);
  const hostsPath = hostsPathOf(config, { version, certsPath: command.certsDir });
  const wanted = wantedText(file.text, clean, {
    socket: level.content ? command.socket : undefined,
    snapshotsRoot: command.snapshotter ? command.snapshotsRoot : undefined,
    hostsPath: command.mirror ? hostsPath : undefined,
    configVersionMax: configVersionMaxOf(version),
    criPulls: criPullsOf(version),
  });
  if (command.mirror) await refuseImportedMirrors(file.path, config);
  // The files come first: containerd reads them anew at each pull, and is told of them last.
  const hosts = await hostsEdits(command, {
    ...{ version, roots: rootsIn(hostsPath) },
    presentRoots: presentRoots(file.text ?? "", command.certsDir),
  });
  const edits = [...hosts, { file, wanted }].filter(changesFile);
  if (edits.length === 0) {
    stdout.write(`${file.path} is as it should be for containerd ${version.text}.\n`);
    return exitCodes.ok;
  }
  for (const edit of edits) stdout.write(diffOf(edit));
  if (command.mirror) {
    const beside = await foldersBesideMirror({ roots: rootsIn(hostsPath) }, hosts);
    for (const name of beside) stderr.write(besideHint(name));
  }
  if (command.dryRun) {
    stderr.write("Nothing was changed (--dry-run).\n");
    return exitCodes.ok;
  }
  for (const edit of edits) await applyFileEdit(edit, { stderr });
  const isMirrorNew = hosts.some(addsOwnLines);
  stderr.write(levelHint(file.text ?? "", wanted, { isMirrorNew }));
  if (wanted !== file.text) stderr.write(restartHint);
  return exitCodes.ok;
}

function besideHint(name: string): string {
  return `${name} has a folder of its own and is asked without the mirror; add --registry ${name}.\n`;
}

function levelOf(command: EnableCommand): { readonly content: boolean } {
  const { mirror, snapshotter } = command;
  if (command.registry.length > 0 && !mirror) {
    throw new InvalidArgumentError("Cannot use --registry without --mirror");
  }
  if (command.content === false && (snapshotter || !mirror)) {
    throw new InvalidArgumentError(
      snapshotter
        ? "Cannot unpack images without the content store: leave out --no-content"
        : "Cannot enable nothing: use --mirror with --no-content, or `shoal containerd disable`",
    );
  }
  return { content: command.content ?? (snapshotter || !mirror) };
}

function wantedText(
  text: string | undefined,
  clean: string | undefined,
  options: EnableOptions,
): string {
  const isAllOurs = clean === undefined || (clean === "" && text !== "");
  return isAllOurs ? newContainerdConfig(options) : enabledContainerdConfig(clean, options);
}

function hostsEdits(
  { mirror, mirrorAddress, resolve, registry }: EnableCommand,
  {
    version,
    ...folders
  }: { readonly version: ContainerdVersion } & Pick<MirrorPlan, "roots" | "presentRoots">,
): Promise<FileEdit[]> {
  if (!mirror) return mirrorRemovals(folders.presentRoots);
  return mirrorEdits({
    ...folders,
    mirror: {
      address: mirrorAddress,
      resolvesTags: resolve === "yes",
      hasDialTimeout: version.major >= 2,
    },
    registries: registry,
  });
}

/** The CRI does not start when mirrors are configured in both ways, wherever. */
async function refuseImportedMirrors(
  path: string,
  { imports, version }: ContainerdConfig,
): Promise<void> {
  for (const file of await importedFiles(path, imports)) {
    const text = await readTextFile(file);
    const config = parseContainerdConfig(text, file);
    // A file without a number of its own is read as the one that imports it.
    const named = config.version === undefined ? `version = ${version ?? 1}\n${text}` : text;
    if (parseContainerdConfig(named).hasOldMirrors) throw oldMirrorsConflict(file);
  }
}
