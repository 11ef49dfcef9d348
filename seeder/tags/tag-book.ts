import { isDigest } from "../../core/digest.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type ImageReference, formatImageReference } from "../../core/image-reference.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { KnownTag, TagMemory } from "../../core/tags/known-tag.ts";
import { type TagEntry, TagTable } from "../../core/tags/tag-table.ts";
import type { StateFile } from "../state-file.ts";

/**
 * How old the file may be where nothing has changed but when a tag was last confirmed: a crash
 * makes what is known look older by that, and a busy seeder does not write all the time.
 */
const saveIntervalMs = 60_000;

/** What {@link TagBook} works with. */
export interface TagBookDeps {
  readonly file: StateFile;
  readonly clock: Clock;
}

/** What the tags of images were last known to name, kept across restarts. */
export class TagBook implements TagMemory {
  readonly #deps: TagBookDeps;
  readonly #table: TagTable;
  #savedAtMs = -Infinity;

  private constructor(deps: TagBookDeps) {
    this.#deps = deps;
    this.#table = new TagTable(deps);
  }

  /** Reads what was kept; lines that are damaged are left out. */
  static async open(deps: TagBookDeps): Promise<TagBook> {
    const book = new TagBook(deps);
    const lines = (await deps.file.read()).split("\n");
    for (const entry of lines.map(parseLine)) if (entry) book.#table.restore(entry);
    return book;
  }

  /**
   * Notes what a tag names now. "pushed": it was pushed here, and the registry has not got it
   * yet; that stands above what the registry says until the same is noted as of the "registry",
   * or it is {@link withdraw}n. Settles when it is on disk; never rejects.
   */
  async note(
    reference: ImageReference,
    descriptor: Descriptor,
    source: KnownTag["source"],
  ): Promise<void> {
    this.#table.keep(formatImageReference(reference), { descriptor, source, ageMs: 0 });
    await this.save();
  }

  /** Forgets all of a tag: it was deleted, or the registry will not have what was pushed. */
  async withdraw(reference: ImageReference): Promise<void> {
    const name = formatImageReference(reference);
    this.#table.withdraw(name);
    this.#table.forget(name);
    await this.save();
  }

  /** Forgets what was pushed, but for those: of others the registry decides. */
  async withdrawOthers(references: readonly ImageReference[]): Promise<void> {
    const kept = new Set(references.map(formatImageReference));
    for (const { reference, source } of this.#table.entries()) {
      if (source === "pushed" && !kept.has(reference)) this.#table.withdraw(reference);
    }
    await this.save();
  }

  find(reference: string): KnownTag | undefined {
    return this.#table.find(reference);
  }

  keep(reference: string, tag: KnownTag): void {
    const before = this.#table.find(reference);
    this.#table.keep(reference, tag);
    const isNews = before?.descriptor.digest !== tag.descriptor.digest;
    const isDue = this.#deps.clock.monotonicMs() - this.#savedAtMs >= saveIntervalMs;
    if (isNews || before.source !== tag.source || isDue) void this.save();
  }

  forget(reference: string): void {
    this.#table.forget(reference);
  }

  /** Writes the file anew. Never rejects. */
  async save(): Promise<void> {
    this.#savedAtMs = this.#deps.clock.monotonicMs();
    await this.#deps.file.replace(() =>
      this.#table
        .entries()
        .map((entry) => JSON.stringify(entry))
        .join("\n"),
    );
  }
}

function parseLine(line: string): TagEntry | undefined {
  try {
    const { reference, descriptor, source, knownAtMs } = JSON.parse(line) as Partial<TagEntry>;
    if (typeof reference !== "string" || (source !== "registry" && source !== "pushed")) {
      return undefined;
    }
    if (!descriptor || !isDigest(descriptor.digest) || !isCount(knownAtMs)) return undefined;
    const { mediaType, digest, size } = descriptor;
    if (typeof mediaType !== "string" || !isCount(size)) return undefined;
    return { reference, source, knownAtMs, descriptor: { mediaType, digest, size } };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
