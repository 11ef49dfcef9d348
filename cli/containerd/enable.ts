import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { ConfigFile } from "./config-file.ts";
import { configVersionMaxOf, readContainerdVersion } from "./containerd-version.ts";
import {
  type EnableOptions,
  enabledContainerdConfig,
  newContainerdConfig,
} from "./enable-lines.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";
import { snapshotterHint } from "./snapshotter-hint.ts";
import { unifiedDiff } from "./unified-diff.ts";

/** Which containerd, and what it is told. */
export interface ContainerdOptions {
  /** Path of containerd's configuration. */
  readonly containerdConfig: string;
  /** Absolute path of the content proxy's socket. */
  readonly socket: string;
  /** Path or name of the containerd program. */
  readonly containerd: string;
}

/** What to say at the end, for containerd reads its configuration only when it starts. */
export const restartHint =
  "Restart containerd for it to take effect (systemctl restart containerd); running containers go on.\n";

/** How `enable` goes about it. */
export interface EnableCommand extends ContainerdOptions {
  /** Whether containerd unpacks images with our snapshotter, too. */
  readonly snapshotter: boolean;
  /** Absolute path of the folder where the content proxy keeps snapshots. */
  readonly snapshotsRoot: string;
  readonly dryRun: boolean;
}

/**
 * Writes the lines that make containerd use our content store, with our snapshotter or
 * without, and shows the difference. Idempotent.
 *
 * @throws {FailedPreconditionError} when containerd or its configuration do not allow it.
 */
export async function enableContainerd(
  { containerdConfig, socket, containerd, dryRun, ...command }: EnableCommand,
  { stdout, stderr, signal }: CliContext,
): Promise<ExitCode> {
  const version = await readContainerdVersion(containerd, { signal });
  const snapshotsRoot = command.snapshotter ? command.snapshotsRoot : undefined;
  const options = { socket, snapshotsRoot, configVersionMax: configVersionMaxOf(version) };
  const file = await ConfigFile.open(containerdConfig);
  const wanted = wantedText(file.text, options);
  if (wanted === file.text) {
    stdout.write(`${file.path} is as it should be for containerd ${version.text}.\n`);
    return exitCodes.ok;
  }
  const names = { before: file.text === undefined ? "/dev/null" : file.path, after: file.path };
  stdout.write(unifiedDiff(file.text ?? "", wanted, names));
  if (dryRun) {
    stderr.write("Nothing was changed (--dry-run).\n");
    return exitCodes.ok;
  }
  if (file.text !== undefined && !hasOwnBlock(file.text)) {
    stderr.write(`The file as it was is kept as ${await file.copy()}.\n`);
  }
  await file.replace(wanted);
  stderr.write(snapshotterHint(file.text ?? "", wanted) + restartHint);
  return exitCodes.ok;
}

function wantedText(text: string | undefined, options: EnableOptions): string {
  if (text === undefined) return newContainerdConfig(options);
  const clean = withoutOwnBlocks(text);
  const isAllOurs = clean === "" && text !== "";
  return isAllOurs ? newContainerdConfig(options) : enabledContainerdConfig(clean, options);
}
