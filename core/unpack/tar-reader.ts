import assert from "node:assert/strict";

import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";
import { Gatherer } from "./gatherer.ts";
import { specialHeaderBytesMax } from "./layer-limits.ts";
import { type PaxRecords, parsePaxRecords } from "./pax-records.ts";
import { SparseContent } from "./sparse-content.ts";
import { sparseFileFrom } from "./sparse-map.ts";
import { type PrecedingHeaders, type TarEntry, entryFrom } from "./tar-entry.ts";
import { type TarHeader, blockBytes, readTarHeader } from "./tar-header.ts";

/** Who is told what is in a tar stream, in the order of the stream. */
export interface TarSink {
  begin(entry: TarEntry): void;
  /** Bytes of the entry that last began, and where in its file they are. Good for this call. */
  content(bytes: Buffer, offset: number): void;
  /** All of the entry was told. */
  finish(): void;
}

/** Types of headers that are about the next entry, or about all. */
const specialTypes = new Set(["x", "g", "L", "K"]);

const nothingBefore: PrecedingHeaders = { records: undefined, longName: "", longLinkName: "" };

/**
 * Reads a tar stream in chunks of any length, with no copy of what files hold.
 *
 * Takes what Go's tar package takes: the stream may end after any entry, also without its
 * padding and without the two blocks of zeros; what follows these is ignored.
 *
 * @see Go archive/tar/reader.go, next
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #gatherer = new Gatherer();
  #state: "header" | "specialHeader" | "content" | "padding" | "afterEnd" = "header";
  #zeroBlocks = 0;
  #specialHeader: TarHeader | undefined;
  #preceding = nothingBefore;
  #sparse: SparseContent | undefined;
  /** Length of the special header or content, how much of it has come, and what fills it up. */
  #length = 0;
  #position = 0;
  #padding = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /**
   * Takes the next bytes of the stream. After an error there is no next.
   *
   * @throws {LayerFormatError} and whatever the sink throws.
   */
  write(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) offset += this.#take(chunk, offset);
  }

  /**
   * The stream is over.
   *
   * @throws {LayerFormatError} when that is in the middle of something.
   */
  end(): void {
    const isBetween = this.#state === "header" && this.#gatherer.length === 0;
    if (isBetween || this.#state === "padding" || this.#state === "afterEnd") return;
    throw new LayerFormatError("Cannot read layer: its tar stream is cut off");
  }

  /** Takes some of the chunk from `offset` on, and gives how much. */
  #take(chunk: Buffer, offset: number): number {
    const rest = chunk.length - offset;
    switch (this.#state) {
      case "header": {
        const count = Math.min(rest, blockBytes - this.#gatherer.length);
        const block = this.#gatherer.take(chunk.subarray(offset, offset + count), blockBytes);
        if (block) this.#readHeader(block);
        return count;
      }
      case "specialHeader": {
        const count = Math.min(rest, this.#length - this.#gatherer.length);
        const bytes = this.#gatherer.take(chunk.subarray(offset, offset + count), this.#length);
        if (bytes) this.#readSpecialHeader(bytes);
        return count;
      }
      case "content": {
        const count = Math.min(rest, this.#length - this.#position);
        this.#passContent(chunk.subarray(offset, offset + count));
        return count;
      }
      case "padding": {
        const count = Math.min(rest, this.#padding);
        this.#padding -= count;
        if (this.#padding === 0) this.#state = "header";
        return count;
      }
      case "afterEnd":
        return rest;
    }
  }

  #readHeader(block: Buffer): void {
    const header = readTarHeader(block);
    if (!header) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#state = "afterEnd";
      return;
    }
    if (this.#zeroBlocks > 0) throw new LayerFormatError("Cannot read layer: zeros in its middle");
    if (specialTypes.has(header.type)) this.#beginSpecialHeader(header);
    else this.#beginEntry(header);
  }

  #beginSpecialHeader(header: TarHeader): void {
    if (header.size < 0 || header.size > specialHeaderBytesMax) {
      throw new LayerFormatError(`Cannot read layer: a header of ${header.size} bytes`);
    }
    this.#specialHeader = header;
    this.#state = "specialHeader";
    this.#expect(header.size);
    if (header.size === 0) this.#readSpecialHeader(Buffer.alloc(0));
  }

  #readSpecialHeader(bytes: Buffer): void {
    const header = this.#specialHeader;
    assert(header, "a special header that did not begin");
    switch (header.type) {
      case "x":
        this.#preceding = { ...this.#preceding, records: parsePaxRecords(bytes) };
        break;
      case "g":
        this.#tellGlobalHeader(header, parsePaxRecords(bytes));
        break;
      case "L":
        this.#preceding = { ...this.#preceding, longName: untilZero(bytes) };
        break;
      case "K":
        this.#preceding = { ...this.#preceding, longLinkName: untilZero(bytes) };
        break;
    }
    this.#state = this.#padding > 0 ? "padding" : "header";
  }

  /** It has a name like any entry; nothing else in it counts. */
  #tellGlobalHeader(header: TarHeader, records: PaxRecords): void {
    this.#sink.begin(entryFrom(header, { ...nothingBefore, longName: records.get("path") ?? "" }));
    this.#sink.finish();
    this.#preceding = nothingBefore;
  }

  #beginEntry(header: TarHeader): void {
    const stored = entryFrom(header, this.#preceding);
    const { records } = this.#preceding;
    this.#preceding = nothingBefore;
    const sparse = records && sparseFileFrom(records);
    // What is no file has no content, whatever its header says.
    this.#expect(stored.kind === "file" ? stored.size : 0);
    this.#sparse = undefined;
    if (!sparse) {
      this.#sink.begin(stored);
    } else {
      const { name = stored.name, size = stored.size } = sparse;
      if (stored.kind !== "file") throw malformed(name, "it is a sparse file and none");
      this.#sink.begin({ ...stored, name, size });
      const put = (bytes: Buffer, offset: number) => this.#sink.content(bytes, offset);
      this.#sparse = new SparseContent(sparse, { size, storedLength: stored.size, put });
    }
    if (this.#length > 0) this.#state = "content";
    else this.#endContent();
  }

  #expect(length: number): void {
    if (length < 0) throw new LayerFormatError("Cannot read layer: a size is below zero");
    this.#length = length;
    this.#position = 0;
    this.#padding = (blockBytes - (length % blockBytes)) % blockBytes;
  }

  #passContent(bytes: Buffer): void {
    if (this.#sparse) this.#sparse.take(bytes);
    else this.#sink.content(bytes, this.#position);
    this.#position += bytes.length;
    if (this.#position === this.#length) this.#endContent();
  }

  #endContent(): void {
    this.#sparse?.finish();
    this.#sink.finish();
    this.#state = this.#padding > 0 ? "padding" : "header";
  }
}

function untilZero(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
}

function malformed(name: ByteString, why: string): LayerFormatError {
  return new LayerFormatError(`Cannot unpack ${quoteBytes(name)}: ${why}`);
}
