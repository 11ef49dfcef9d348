import { readFile, rename, writeFile } from "node:fs/promises";

import type { Logger } from "../core/ports/logger.ts";

/** What {@link StateFile} works with. */
export interface StateFileDeps {
  readonly path: string;
  readonly logger: Logger;
}

/**
 * A file that is read once and then replaced as a whole. What is in it makes things
 * easier and is no more than that: whatever goes wrong is logged and never thrown.
 */
export class StateFile {
  readonly #path: string;
  readonly #logger: Logger;
  #last: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor({ path, logger }: StateFileDeps) {
    this.#path = path;
    this.#logger = logger;
  }

  /** The text of the file; empty when there is none. */
  async read(): Promise<string> {
    try {
      return await readFile(this.#path, "utf8");
    } catch (error) {
      const code = systemCodeOf(error);
      if (code !== "ENOENT") this.#logger.warn("cannot read a file of state", this.#fields(code));
      return "";
    }
  }

  /** Replaces the file. Calls that come while one waits for its turn share it, and its text. */
  async replace(render: () => string): Promise<void> {
    this.#waiting ??= this.#last.then(() => {
      this.#waiting = undefined;
      return this.#write(render());
    });
    this.#last = this.#waiting;
    return this.#waiting;
  }

  async #write(text: string): Promise<void> {
    const temporary = `${this.#path}.new`;
    try {
      await writeFile(temporary, text, { mode: 0o600 });
      await rename(temporary, this.#path);
    } catch (error) {
      this.#logger.warn("cannot write a file of state", this.#fields(systemCodeOf(error)));
    }
  }

  #fields(code: string) {
    return { path: this.#path, code };
  }
}

function systemCodeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "internal";
}
