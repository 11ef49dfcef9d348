import { rm } from "node:fs/promises";

import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { ConfigFile } from "./config-file.ts";
import { restartHint } from "./enable.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";
import { snapshotterHint } from "./snapshotter-hint.ts";
import { unifiedDiff } from "./unified-diff.ts";

/**
 * Takes our lines out of containerd's configuration: byte for byte what it was, unless
 * somebody changed other lines since, which then stay. Idempotent.
 *
 * @throws {FailedPreconditionError} when somebody changed our own lines.
 */
export async function disableContainerd(
  { containerdConfig, dryRun }: { readonly containerdConfig: string; readonly dryRun: boolean },
  { stdout, stderr }: CliContext,
): Promise<ExitCode> {
  const file = await ConfigFile.open(containerdConfig);
  if (file.text === undefined || !hasOwnBlock(file.text)) {
    stdout.write(`${file.path} has no lines of ours.\n`);
    return exitCodes.ok;
  }
  const wanted = withoutOwnBlocks(file.text);
  const copy = await ConfigFile.open(file.copyPath);
  const isOurFile = wanted === "" && copy.text === undefined;
  const names = { before: file.path, after: isOurFile ? "/dev/null" : file.path };
  stdout.write(unifiedDiff(file.text, wanted, names));
  if (dryRun) {
    stderr.write("Nothing was changed (--dry-run).\n");
    return exitCodes.ok;
  }
  await (isOurFile ? file.remove() : file.replace(wanted));
  if (copy.text === wanted) {
    await rm(copy.path);
    stderr.write(`${file.path} is byte for byte what it was.\n`);
  } else if (copy.text !== undefined) {
    stderr.write(`Other lines were changed since and stay; the old file is ${copy.path}.\n`);
  }
  stderr.write(snapshotterHint(file.text, wanted) + restartHint);
  return exitCodes.ok;
}
