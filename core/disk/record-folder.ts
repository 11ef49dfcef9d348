import { mkdir, open, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { InvalidArgumentError } from "../errors.ts";
import type { Logger } from "../ports/logger.ts";
import { replaceFile, sync, temporarySuffix } from "./durable-file.ts";
import { storing, systemCodeOf } from "./storage-error.ts";

/** Longest record, in bytes: a manifest of a thousand entries, twice over. */
const recordLengthMax = 1024 * 1024;

/** Names of records: no folder is left by them, and no temporary file looks like one. */
const namePattern = /^[A-Za-z0-9_-]{1,200}$/;

/** What a {@link RecordFolder} works with. */
export interface RecordFolderDeps {
  readonly path: string;
  readonly logger: Logger;
}

/** A folder of small records, a file each, that survive a power cut once they are put. */
export class RecordFolder {
  readonly #path: string;
  readonly #logger: Logger;

  private constructor({ path, logger }: RecordFolderDeps) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Makes the folder if there is none, and sweeps what was being written at a crash. */
  static async open(deps: RecordFolderDeps): Promise<RecordFolder> {
    await storing(mkdir(deps.path, { recursive: true, mode: 0o700 }));
    await storing(sync(dirname(deps.path)));
    const folder = new RecordFolder(deps);
    for (const file of await readdir(deps.path)) {
      if (file.endsWith(temporarySuffix)) await rm(join(deps.path, file), { force: true });
    }
    return folder;
  }

  /** All records in no order. One that cannot be read is logged and left out, and its file stays. */
  async *records(): AsyncGenerator<{ readonly name: string; readonly text: string }, void> {
    for (const name of await readdir(this.#path)) {
      if (!namePattern.test(name)) continue;
      try {
        yield { name, text: await readShort(join(this.#path, name)) };
      } catch (error) {
        this.#logger.error("cannot read a record", { name, code: systemCodeOf(error) });
      }
    }
  }

  /**
   * Keeps a record under a name, in place of what had it before: as a whole and on disk when
   * this settles. Calls for the same name must not overlap.
   *
   * @throws {InvalidArgumentError} when it is too long to be read back.
   * @throws {StorageFullError}
   */
  async put(name: string, text: string): Promise<void> {
    if (!namePattern.test(name)) throw new TypeError(`Not a name of a record: ${name}`);
    if (Buffer.byteLength(text) > recordLengthMax) {
      throw new InvalidArgumentError(`Cannot keep a record of more than ${recordLengthMax} bytes`);
    }
    await storing(replaceFile(join(this.#path, name), text, { durable: true }));
    await this.sync();
  }

  /** Deletes a record, if it is there. After a power cut before {@link sync} it may be there again. */
  async remove(name: string): Promise<void> {
    if (namePattern.test(name)) await storing(rm(join(this.#path, name), { force: true }));
  }

  /** Settles when what was deleted stays so after a power cut. */
  async sync(): Promise<void> {
    await storing(sync(this.#path));
  }
}

async function readShort(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size > recordLengthMax) throw new TypeError("Too long");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
