import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { pid } from "node:process";

import { UnavailableError } from "../errors.ts";
import { bootId } from "./boot-id.ts";
import { systemCodeOf } from "./storage-error.ts";

/** How often a lock that a dead process left is taken away before we give up. */
const attemptsMax = 10;

/**
 * Keeps a second process from opening the same root: two would not know what the other
 * does there. Disposing of it lets go.
 *
 * The lock is a symbolic link to the id of the process that holds it: one so short needs no room
 * on a full disk. Ids are used again, so it also says when the process started and in which boot;
 * a lock whose process is gone is taken over. NOTE: processes that do not see each other (in PID
 * namespaces of their own) take each other for dead.
 */
export class RootLock implements Disposable {
  readonly #path: string;
  #held = true;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws {UnavailableError} when a living process holds it, be it this one. */
  static acquire(path: string): RootLock {
    const identity = identityOf(String(pid));
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (place(() => symlinkSync(identity, path))) return new RootLock(path);
      const holder = read(path);
      if (holder === undefined) continue;
      if (isAlive(holder)) throw heldBy(holder, path);
      takeAway(path, holder);
    }
    throw new UnavailableError(`Cannot lock ${JSON.stringify(path)}: others try as well`);
  }

  [Symbol.dispose](): void {
    if (this.#held) rmSync(this.#path, { force: true });
    this.#held = false;
  }
}

/** Makes the lock in one step; false when it is there. */
function place(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** Moves a dead process' lock out of the way. If a living one was faster, its lock is put back. */
function takeAway(path: string, holder: string): void {
  const taken = `${path}.${pid}.stale`;
  try {
    renameSync(path, taken);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return;
    throw error;
  }
  if (read(taken) !== holder) place(() => linkSync(taken, path));
  rmSync(taken, { force: true });
}

/** Process id, boot and start time; without the last one if it is not running. */
function identityOf(id: string): string {
  // The name, in parentheses, may hold anything; the start time is the 20th field after it.
  const stat = readText(`/proc/${id}/stat`) ?? "";
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  return `${id} ${bootId()} ${started}`;
}

function isAlive(identity: string): boolean {
  const id = identity.split(" ")[0] ?? "";
  return /^\d+$/.test(id) && identityOf(id) === identity;
}

function heldBy(identity: string, path: string): UnavailableError {
  const id = identity.split(" ")[0] ?? "";
  return new UnavailableError(
    `Cannot open the store: process ${id} has it open, says ${JSON.stringify(path)}`,
  );
}

/** Whose lock it is; `undefined` when it is gone. */
function read(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Before it was a link it was a file, with a line for each part.
    return readText(path)?.trimEnd().replaceAll("\n", " ");
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
