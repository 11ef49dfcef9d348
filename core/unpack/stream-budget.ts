import { LayerFormatError } from "../errors.ts";
import type { LayerLimits } from "./layer-limits.ts";

/**
 * So many bytes of tar stream may come of any blob. They fill no disk, and a layer of little
 * but zeros may well shrink a thousandfold.
 */
const freeSizeBytes = 256 * 1024 * 1024;

/** Counts the bytes of a tar stream, so that a small blob does not fill the disk. */
export class StreamBudget {
  readonly #limits: LayerLimits;
  #tarSize = 0;

  constructor(limits: LayerLimits) {
    this.#limits = limits;
  }

  /** Bytes of tar stream so far. */
  get tarSize(): number {
    return this.#tarSize;
  }

  /**
   * Counts bytes of the tar stream before they are written.
   *
   * @param options.bytesRead Bytes of the blob that they and those before came of.
   * @throws {LayerFormatError} when they are too many.
   */
  take(length: number, { bytesRead }: { readonly bytesRead: number }): void {
    const { tarSizeMax, ratioMax } = this.#limits;
    this.#tarSize += length;
    if (this.#tarSize > tarSizeMax) {
      throw new LayerFormatError(`Cannot unpack layer: more than ${tarSizeMax} bytes`);
    }
    if (this.#tarSize > Math.max(freeSizeBytes, bytesRead * ratioMax)) {
      throw new LayerFormatError(`Cannot unpack layer: more than ${ratioMax} times its size`);
    }
  }
}
