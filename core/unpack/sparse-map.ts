import { LayerFormatError } from "../errors.ts";
import type { PaxRecords } from "./pax-records.ts";
import { sparseKeys } from "./pax-records.ts";

/** A part of a file that is no hole. */
export interface DataRegion {
  readonly offset: number;
  readonly length: number;
}

/** What PAX records say of a sparse file, of which the stream holds the data alone. */
export interface SparseFile {
  readonly name: string | undefined;
  /** With holes; `undefined` when the header of the entry has it. */
  readonly size: number | undefined;
  /** `undefined` when the map stands before the data. */
  readonly regions: readonly DataRegion[] | undefined;
}

/**
 * Finds out whether an entry is a sparse file of GNU tar, of format 0.0, 0.1 or 1.0.
 *
 * @throws {LayerFormatError}
 * @see Go archive/tar/reader.go, readGNUSparsePAXHeaders
 */
export function sparseFileFrom(records: PaxRecords): SparseFile | undefined {
  const major = records.get("GNU.sparse.major") ?? "";
  const minor = records.get("GNU.sparse.minor") ?? "";
  const map = records.get(sparseKeys.map) ?? "";
  const isFirst = major === "0" && (minor === "0" || minor === "1");
  const isSecond = major === "1" && minor === "0";
  const isUnnamed = major === "" && minor === "" && map !== "";
  if (!isFirst && !isSecond && !isUnnamed) return undefined;
  // Empty values count as none.
  const size = records.get("GNU.sparse.size") || records.get("GNU.sparse.realsize");
  return {
    name: records.get("GNU.sparse.name") || undefined,
    size: size ? parseCount(size) : undefined,
    regions: isSecond ? undefined : regionsOfRecord(map, records.get("GNU.sparse.numblocks")),
  };
}

/** The map that stands before the data in format 1.0: numbers, a line each, the count first. */
export class SparseMapReader {
  readonly #numbers: number[] = [];
  #text = "";

  /**
   * Takes the next block.
   *
   * @returns The map, after its last block.
   * @throws {LayerFormatError}
   */
  take(block: Buffer): readonly DataRegion[] | undefined {
    const lines = (this.#text + block.toString("latin1")).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (this.#isWhole()) break;
      this.#numbers.push(parseCount(line));
    }
    return this.#isWhole() ? regionsFrom(this.#numbers.slice(1)) : undefined;
  }

  #isWhole(): boolean {
    const [count] = this.#numbers;
    return count !== undefined && this.#numbers.length > 2 * count;
  }
}

/**
 * Checks that a map is in order and fits the file and its data.
 *
 * @throws {LayerFormatError}
 */
export function checkRegions(
  regions: readonly DataRegion[],
  { size, dataLength }: { readonly size: number; readonly dataLength: number },
): void {
  let end = 0;
  let length = 0;
  for (const region of regions) {
    if (region.offset < end || region.length > size - region.offset) throw malformed();
    end = region.offset + region.length;
    length += region.length;
  }
  if (length !== dataLength) throw malformed();
}

function regionsOfRecord(map: string, count: string | undefined): readonly DataRegion[] {
  const numbers = map === "" ? [] : map.split(",").map(parseCount);
  if (numbers.length !== 2 * parseCount(count ?? "")) throw malformed();
  return regionsFrom(numbers);
}

function regionsFrom(numbers: readonly number[]): readonly DataRegion[] {
  const regions: DataRegion[] = [];
  for (let index = 0; index + 1 < numbers.length; index += 2) {
    regions.push({ offset: numbers[index] ?? 0, length: numbers[index + 1] ?? 0 });
  }
  return regions;
}

function parseCount(text: string): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw malformed();
  return count;
}

function malformed(): LayerFormatError {
  return new LayerFormatError("Cannot read layer: the map of a sparse file is malformed");
}
