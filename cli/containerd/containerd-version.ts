import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { FailedPreconditionError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

const run = promisify(execFile);

/** `containerd --version` answers at once; on a sick disk we do not wait for ever. */
const timeoutMs = 10_000;

/** A release of containerd. */
export interface ContainerdVersion {
  readonly major: number;
  readonly minor: number;
  /** As the program says it. */
  readonly text: string;
}

/**
 * Asks a containerd program for its version.
 *
 * @throws {FailedPreconditionError} when it does not run or says something else.
 */
export async function readContainerdVersion(
  program: string,
  { signal }: Cancellable,
): Promise<ContainerdVersion> {
  const { stdout } = await run(program, ["--version"], { timeout: timeoutMs, signal }).catch(
    (cause: unknown) => {
      signal.throwIfAborted();
      throw new FailedPreconditionError(
        `Cannot run ${program}; install containerd or name it with --containerd`,
        { cause },
      );
    },
  );
  return parseContainerdVersion(stdout);
}

/** @throws {FailedPreconditionError} when the text names no version. */
export function parseContainerdVersion(text: string): ContainerdVersion {
  // `containerd <module> <version> <commit>`; the module of 2.x ends in "/v2".
  const match = /^containerd \S+ v?(([0-9]+)\.([0-9]+)\.\S*)/.exec(text);
  if (match) return { text: match[1] ?? "", major: Number(match[2]), minor: Number(match[3]) };
  throw new FailedPreconditionError(
    `Cannot read containerd's version from ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/** Whether its CRI pulls images by itself; from 2.1 on the transfer service does that for it. */
export function criPullsOf({ major, minor }: Pick<ContainerdVersion, "major" | "minor">): boolean {
  return major < 2 || (major === 2 && minor < 1);
}

/**
 * The newest version of the configuration that a release reads; it reads all older ones.
 *
 * @throws {FailedPreconditionError} for releases before 1.6: nobody has tried them.
 */
export function configVersionMaxOf({ major, minor, text }: ContainerdVersion): number {
  if (major < 1 || (major === 1 && minor < 6)) {
    throw new FailedPreconditionError(`Cannot work with containerd ${text}: want 1.6 or newer`);
  }
  if (major === 1) return 2;
  return major === 2 && minor < 3 ? 3 : 4;
}
