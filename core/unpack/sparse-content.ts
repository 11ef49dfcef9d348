import { LayerFormatError } from "../errors.ts";
import { Gatherer } from "./gatherer.ts";
import { specialHeaderBytesMax } from "./layer-limits.ts";
import { type DataRegion, type SparseFile, SparseMapReader, checkRegions } from "./sparse-map.ts";
import { blockBytes } from "./tar-header.ts";

/** Says where in a sparse file the bytes belong that the stream holds of it. */
export class SparseContent {
  readonly #size: number;
  readonly #put: (bytes: Buffer, offset: number) => void;
  readonly #map = new SparseMapReader();
  readonly #block = new Gatherer();
  #regions: readonly DataRegion[] | undefined;
  #regionIndex = 0;
  #regionPosition = 0;
  #remaining: number;
  #mapLength = 0;

  /**
   * @param options.size Length of the file with its holes.
   * @param options.storedLength Length of what the stream holds.
   * @param options.put Told the parts of the file.
   * @throws {LayerFormatError}
   */
  constructor(
    { regions }: SparseFile,
    options: {
      readonly size: number;
      readonly storedLength: number;
      readonly put: (bytes: Buffer, offset: number) => void;
    },
  ) {
    this.#size = options.size;
    this.#remaining = options.storedLength;
    this.#put = options.put;
    if (regions) this.#use(regions);
  }

  /** Takes the next of the bytes that the stream holds. @throws {LayerFormatError} */
  take(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0)
      rest = this.#regions ? this.#pass(rest, this.#regions) : this.#read(rest);
  }

  /** All bytes were taken. @throws {LayerFormatError} when the map has no end. */
  finish(): void {
    if (!this.#regions) throw new LayerFormatError("Cannot read layer: a sparse file has no map");
  }

  /** Reads the map that stands before the data. */
  #read(bytes: Buffer): Buffer {
    const part = bytes.subarray(0, blockBytes - this.#block.length);
    const block = this.#block.take(part, blockBytes);
    this.#mapLength += part.length;
    this.#remaining -= part.length;
    if (this.#mapLength > specialHeaderBytesMax) {
      throw new LayerFormatError("Cannot read layer: the map of a sparse file is too long");
    }
    const regions = block && this.#map.take(block);
    if (regions) this.#use(regions);
    return bytes.subarray(part.length);
  }

  #use(regions: readonly DataRegion[]): void {
    checkRegions(regions, { size: this.#size, dataLength: this.#remaining });
    this.#regions = regions;
  }

  #pass(bytes: Buffer, regions: readonly DataRegion[]): Buffer {
    const region = regions[this.#regionIndex];
    // The map was found to be as long as the data.
    if (!region) return bytes.subarray(bytes.length);
    const part = bytes.subarray(0, region.length - this.#regionPosition);
    this.#put(part, region.offset + this.#regionPosition);
    this.#regionPosition += part.length;
    if (this.#regionPosition === region.length) {
      this.#regionIndex++;
      this.#regionPosition = 0;
    }
    return bytes.subarray(part.length);
  }
}
