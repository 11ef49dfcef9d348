import type { CliContext } from "../cli-context.ts";
import { type ExitCode, exitCodes } from "../exit-code.ts";
import { ConfigFile } from "./config-file.ts";
import { restartHint } from "./enable.ts";
import { applyFileEdit, changesFile, diffOf, withoutOwnLines } from "./file-edit.ts";
import { presentRoots } from "./hosts-folders.ts";
import { levelHint } from "./level-hint.ts";
import { mirrorRemovals } from "./mirror-edits.ts";

/** Which files `disable` looks at. */
export interface DisableCommand {
  readonly containerdConfig: string;
  /** Where `hosts.toml` files are beside what the configuration names; left out: where they usually are. */
  readonly certsDir?: string | undefined;
  readonly dryRun: boolean;
}

/**
 * Takes our lines out of containerd's configuration and of `hosts.toml` files: byte for byte
 * what they were, unless somebody changed other lines since, which then stay. Idempotent.
 *
 * @throws {FailedPreconditionError} when somebody changed our own lines.
 */
export async function disableContainerd(
  { containerdConfig, certsDir, dryRun }: DisableCommand,
  { stdout, stderr }: CliContext,
): Promise<ExitCode> {
  const file = await ConfigFile.open(containerdConfig);
  const config = await withoutOwnLines(file);
  const hosts = await mirrorRemovals(presentRoots(file.text ?? "", certsDir));
  // The configuration tells where the others are: whoever is stopped halfway runs it again.
  const edits = [...hosts, config].filter(changesFile);
  if (edits.length === 0) {
    const state = file.text === undefined ? "is not there" : "has no lines of ours";
    stdout.write(`${file.path} ${state}: nothing to take out.\n`);
    return exitCodes.ok;
  }
  for (const edit of edits) stdout.write(diffOf(edit));
  if (dryRun) {
    stderr.write("Nothing was changed (--dry-run).\n");
    return exitCodes.ok;
  }
  for (const edit of edits) await applyFileEdit(edit, { stderr });
  stderr.write(levelHint(file.text ?? "", config.wanted ?? "", { isMirrorNew: false }));
  if (changesFile(config)) stderr.write(restartHint);
  return exitCodes.ok;
}
