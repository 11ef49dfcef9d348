import { LayerFormatError } from "../errors.ts";
import type { UnpackedLayer } from "../ports/layer-unpacker.ts";
import { DiskAccount } from "./disk-account.ts";
import type { FileWriter } from "./file-writer.ts";
import { type LayerLimits, impliedPathBytesMax } from "./layer-limits.ts";
import { LayerTree } from "./layer-tree.ts";
import { LayerWriter, type WhiteoutForm } from "./layer-writer.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { unpackErrorFrom } from "./unpack-error.ts";

/** What a {@link LayerExtractor} needs. */
export interface LayerExtractorOptions {
  /** An empty directory that nobody else writes to. */
  readonly root: string;
  readonly limits: Pick<LayerLimits, "entriesMax" | "tarSizeMax">;
  /** `overlay` when left out. */
  readonly whiteouts?: WhiteoutForm;
}

/**
 * Unpacks the tar stream of a layer into a directory, as containerd does for its overlay
 * snapshotter. Blocks its thread while it works.
 *
 * Ends with `end` or `abort`; after an error there is but `abort`. What is then in the
 * directory is half-made.
 */
export class LayerExtractor {
  readonly #limits: LayerExtractorOptions["limits"];
  readonly #tree: LayerTree;
  readonly #account = new DiskAccount();
  readonly #writer: LayerWriter;
  readonly #reader: TarReader;
  /** The entry that is being unpacked. */
  #entryName = "";
  #file: FileWriter | undefined;
  #entries = 0;
  #bytesWritten = 0;
  /** Lengths of all files so far, with their holes. */
  #fileBytes = 0;

  constructor({ root, limits, whiteouts = "overlay" }: LayerExtractorOptions) {
    const account = this.#account;
    this.#limits = limits;
    this.#tree = new LayerTree({ root, account });
    this.#writer = new LayerWriter({ tree: this.#tree, account, whiteouts });
    this.#reader = new TarReader({
      begin: (entry) => this.#begin(entry),
      content: (bytes, offset) => this.#write(bytes, offset),
      finish: () => this.#finish(),
    });
  }

  /** Entries so far. */
  get entries(): number {
    return this.#entries;
  }

  /** Bytes of file content so far. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /**
   * Takes the next bytes of the tar stream, which are the caller's again afterwards.
   *
   * @throws {LayerFormatError} {StorageFullError} {DataLossError}
   */
  write(chunk: Uint8Array): void {
    this.#translating(() => {
      this.#reader.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    });
  }

  /**
   * The tar stream is over: completes the tree.
   *
   * @throws {LayerFormatError} also when the stream is cut off. {StorageFullError}
   *   {DataLossError}
   */
  async end(): Promise<UnpackedLayer> {
    return this.#translating(() => {
      this.#reader.end();
      this.#entryName = "";
      const implied = this.#tree.finish();
      this.abort();
      return { usage: this.#account.usage, impliedDirectories: pathsOf(implied) };
    });
  }

  /** Lets go of everything. Idempotent; nothing is done from then on. */
  abort(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#tree.close();
  }

  #begin(entry: TarEntry): void {
    const { entriesMax, tarSizeMax } = this.#limits;
    this.#entryName = entry.name;
    this.#entries++;
    this.#fileBytes += entry.kind === "file" ? entry.size : 0;
    if (this.#entries > entriesMax) {
      throw new LayerFormatError(`Cannot unpack layer: more than ${entriesMax} entries`);
    }
    if (this.#fileBytes > tarSizeMax) {
      throw new LayerFormatError(`Cannot unpack layer: files of more than ${tarSizeMax} bytes`);
    }
    this.#file = this.#writer.make(entry);
  }

  #write(bytes: Buffer, offset: number): void {
    this.#file?.write(bytes, offset);
    this.#bytesWritten += bytes.length;
  }

  #finish(): void {
    this.#file?.finish(this.#account);
    this.#file = undefined;
  }

  #translating<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw unpackErrorFrom(error, this.#entryName);
    }
  }
}

function pathsOf(directories: readonly { components(): readonly string[] }[]): string[] {
  let length = 0;
  return directories.map((directory) => {
    const path = directory.components().join("/");
    length += path.length;
    if (length <= impliedPathBytesMax) return path;
    throw new LayerFormatError("Cannot unpack layer: too many directories that nothing describes");
  });
}
