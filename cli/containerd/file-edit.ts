import { rm, rmdir } from "node:fs/promises";

import type { Output } from "../cli-context.ts";
import { ConfigFile } from "./config-file.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";
import { unifiedDiff } from "./unified-diff.ts";

/** What a file is to become. */
export interface FileEdit {
  readonly file: ConfigFile;
  /** `undefined` removes it. */
  readonly wanted: string | undefined;
  /** Folders, the inner one first, that are removed with the file when nothing else is in them. */
  readonly folders?: readonly string[];
}

/**
 * Takes our lines out of a file; a file that was ours alone goes.
 *
 * @throws {FailedPreconditionError} when somebody changed them.
 */
export async function withoutOwnLines(file: ConfigFile): Promise<FileEdit> {
  if (file.text === undefined || !hasOwnBlock(file.text)) return { file, wanted: file.text };
  const wanted = withoutOwnBlocks(file.text, file.path);
  const copy = await ConfigFile.open(file.copyPath);
  const isOurFile = wanted === "" && copy.text === undefined;
  return { file, wanted: isOurFile ? undefined : wanted };
}

export function changesFile({ file, wanted }: FileEdit): boolean {
  return file.text !== wanted;
}

/** Whether the file has lines of ours from now on. */
export function addsOwnLines({ file, wanted }: FileEdit): boolean {
  return hasOwnBlock(wanted ?? "") && !hasOwnBlock(file.text ?? "");
}

export function diffOf({ file, wanted }: FileEdit): string {
  return unifiedDiff(file.text ?? "", wanted ?? "", {
    before: file.text === undefined ? "/dev/null" : file.path,
    after: wanted === undefined ? "/dev/null" : file.path,
  });
}

/**
 * Writes or removes the file. Keeps a copy of one that has no lines of ours yet, and removes
 * it when the file is again what it was.
 *
 * @throws {FailedPreconditionError} when that is not allowed.
 */
export async function applyFileEdit(
  { file, wanted, folders = [] }: FileEdit,
  { stderr }: { readonly stderr: Output },
): Promise<void> {
  if (wanted === undefined) {
    await file.remove();
    // One that somebody else uses, too, stays.
    for (const folder of folders) await rmdir(folder).catch(() => undefined);
    return;
  }
  if (addsOwnLines({ file, wanted }) && file.text !== undefined) {
    stderr.write(`The file as it was is kept as ${await file.copy()}.\n`);
  }
  await file.replace(wanted);
  if (!hasOwnBlock(wanted)) await forgetCopy(file, { wanted, stderr });
}

async function forgetCopy(
  file: ConfigFile,
  { wanted, stderr }: { readonly wanted: string; readonly stderr: Output },
): Promise<void> {
  const copy = await ConfigFile.open(file.copyPath);
  if (copy.text === wanted) {
    await rm(copy.path);
    stderr.write(`${file.path} is byte for byte what it was.\n`);
  } else if (copy.text !== undefined) {
    stderr.write(`Other lines were changed since and stay; the old file is ${copy.path}.\n`);
  }
}
