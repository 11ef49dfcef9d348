import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../core/errors.ts";
import type { InfoHash } from "../core/info-hash.ts";
import {
  type Metainfo,
  encodeMetainfo,
  metainfoLengthMax,
  parseMetainfo,
} from "../core/metainfo.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { MetainfoKeeper } from "./published-metainfo.ts";

/** File that names the run since which nothing was forgotten. */
const generationFile = "generation";

/** Ends the names of files that are being written. */
const unfinished = ".tmp";

/** Ends the names of torrent files; before it is the info hash. */
const suffix = ".torrent";

/** What {@link MetainfoFiles.open} found. */
export interface OpenedMetainfoFiles {
  readonly files: MetainfoFiles;
  /** What was kept, the least recently written first. */
  readonly kept: readonly Metainfo[];
  /** Changes when something was lost. */
  readonly generation: string;
}

/**
 * The directory on disk: a torrent file per info hash. Files are whole or not there,
 * unless the machine loses power; then they do not parse and are removed. That is
 * enough for what every publisher can publish again, so nothing is fsynced.
 */
export class MetainfoFiles implements MetainfoKeeper, AsyncDisposable {
  readonly #folder: string;
  readonly #logger: Logger;
  /** End of the work that was ordered: a file is not removed before it is written. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** Reads what a run before this one kept, and sweeps what it left unfinished. */
  static async open(
    folder: string,
    options: Cancellable & {
      readonly logger: Logger;
      /** Torrents that are read; files of more are removed, the oldest first. */
      readonly countMax: number;
      /** Name of this run, for a folder that has none. */
      readonly generation: string;
    },
  ): Promise<OpenedMetainfoFiles> {
    const { signal, logger, countMax } = options;
    signal.throwIfAborted();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const files = new MetainfoFiles(folder, logger);
    const kept: Metainfo[] = [];
    for (const name of await files.#sweep(countMax)) {
      signal.throwIfAborted();
      const metainfo = await files.#read(name);
      if (metainfo) kept.push(metainfo);
    }
    return { files, kept, generation: await files.#generation(options.generation) };
  }

  /** Resolves when the file is there, or has failed and was logged: memory has it anyway. */
  async keep(metainfo: Metainfo): Promise<void> {
    const name = `${metainfo.infoHash}${suffix}`;
    return this.#enqueue(() => this.#write(name, encodeMetainfo(metainfo)));
  }

  drop(infoHash: InfoHash): void {
    void this.#enqueue(() => rm(this.#path(`${infoHash}${suffix}`), { force: true }));
  }

  /** Waits for what was ordered. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
  }

  async #enqueue(work: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(work).catch((error: unknown) => {
      this.#logger.warn("cannot keep metainfo on disk", { code: codeOf(error), error });
    });
    return this.#tail;
  }

  async #write(name: string, bytes: string | Uint8Array): Promise<void> {
    const temporary = this.#path(name + unfinished);
    await writeFile(temporary, bytes, { mode: 0o600 });
    await rename(temporary, this.#path(name));
  }

  /** Removes leftovers and gives the names of torrent files, the oldest first. */
  async #sweep(countMax: number): Promise<string[]> {
    const names = await readdir(this.#folder);
    const leftovers = names.filter((name) => name.endsWith(unfinished));
    const dated: { readonly name: string; readonly mtimeMs: number }[] = [];
    for (const name of names.filter((candidate) => candidate.endsWith(suffix))) {
      dated.push({ name, mtimeMs: (await stat(this.#path(name))).mtimeMs });
    }
    dated.sort((a, b) => a.mtimeMs - b.mtimeMs);
    const surplus = dated.splice(0, Math.max(0, dated.length - countMax));
    for (const name of [...leftovers, ...surplus.map((file) => file.name)]) {
      await rm(this.#path(name), { force: true });
    }
    return dated.map((file) => file.name);
  }

  async #read(name: string): Promise<Metainfo | undefined> {
    const path = this.#path(name);
    try {
      const { size } = await stat(path);
      const metainfo = size > metainfoLengthMax ? undefined : parseMetainfo(await readFile(path));
      if (metainfo && name === `${metainfo.infoHash}${suffix}`) return metainfo;
    } catch (error) {
      this.#logger.warn("cannot read kept metainfo", { file: name, code: codeOf(error) });
    }
    await rm(path, { force: true });
    return undefined;
  }

  async #generation(fallback: string): Promise<string> {
    const kept = await readFile(this.#path(generationFile), "utf8").catch(() => "");
    if (/^[0-9a-f]{32}$/.test(kept)) return kept;
    await this.#write(generationFile, fallback);
    return fallback;
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
