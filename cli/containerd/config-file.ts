import { type Stats, constants } from "node:fs";
import { copyFile, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { FailedPreconditionError, InvalidArgumentError } from "../../core/errors.ts";
import { readTextFile } from "../read-text-file.ts";

/** Older copies that may lie around before we give up on finding a name. */
const copiesMax = 100;

/** A configuration file that is changed as a whole, or not at all. */
export class ConfigFile {
  /** Where the file really is: a symbolic link stays one. */
  readonly path: string;
  /** `undefined` when there is no file. */
  readonly text: string | undefined;

  private constructor(path: string, text: string | undefined) {
    this.path = path;
    this.text = text;
  }

  /** @throws {InvalidArgumentError} when it is there and cannot be read. */
  static async open(path: string): Promise<ConfigFile> {
    const real = await realpath(path).catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return undefined;
      throw new InvalidArgumentError(`Cannot read ${path}: ${messageOf(error)}`, { cause: error });
    });
    if (real === undefined) return new ConfigFile(path, undefined);
    return new ConfigFile(real, await readTextFile(real));
  }

  /** Where {@link copy} keeps the file as it was. */
  get copyPath(): string {
    return `${this.path}.before-shoal`;
  }

  /**
   * Keeps a copy of the file, beside the copies of earlier times.
   *
   * @throws {FailedPreconditionError} when the folder cannot be written to.
   */
  async copy(): Promise<string> {
    for (let number = 0; number < copiesMax; number++) {
      const path = number === 0 ? this.copyPath : `${this.copyPath}.${number}`;
      try {
        await copyFile(this.path, path, constants.COPYFILE_EXCL);
        return path;
      } catch (error) {
        if (isCode(error, "EEXIST")) continue;
        throw cannotWrite(path, error);
      }
    }
    throw new FailedPreconditionError(`Cannot keep a copy: remove old ones of ${this.copyPath}`);
  }

  /**
   * Puts a new text in place of the old, with owner and rights as they were.
   *
   * @throws {FailedPreconditionError} when that is not allowed.
   */
  async replace(text: string): Promise<void> {
    const temporary = `${this.path}.shoal-new`;
    try {
      await mkdir(dirname(this.path), { recursive: true });
      await rm(temporary, { force: true });
      const old = this.text === undefined ? undefined : await stat(this.path);
      await writeDurably(temporary, text, old);
      await rename(temporary, this.path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw cannotWrite(this.path, error);
    }
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    await rm(this.path).catch((error: unknown) => {
      throw cannotWrite(this.path, error);
    });
  }
}

/**
 * @param old The file whose owner and rights it gets, before it has its text: there may be
 * secrets in it.
 */
async function writeDurably(path: string, text: string, old: Stats | undefined): Promise<void> {
  // Containerd's own configuration is for all to read.
  const file = await open(path, "wx", old ? 0o600 : 0o644);
  try {
    if (old) {
      await file.chown(old.uid, old.gid);
      await file.chmod(old.mode & 0o7777);
    }
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

function cannotWrite(path: string, cause: unknown): FailedPreconditionError {
  return new FailedPreconditionError(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
