import type { ByteRange } from "../../core/byte-range.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/** How a range is read. */
export interface ReadOptions extends Cancellable {
  readonly isPart: boolean;
}

/** A blob that the mirror can give, from disk or while it arrives. */
export interface SuppliedBlob extends AsyncDisposable {
  readonly size: number;

  /**
   * Waits until the first bytes of a range can be read, and has them fetched before others.
   *
   * @throws {UnavailableError} when they do not come.
   */
  ready(range: ByteRange, options: Cancellable): Promise<void>;

  /**
   * Has all of some ranges fetched before the rest, until the result is disposed of, in their order
   * and a bounded number at once.
   */
  hurry(ranges: readonly ByteRange[]): Disposable;

  /**
   * Reads a range in chunks. A chunk is the reader's until it asks for the next one.
   *
   * @param options `isPart`: the reader wants these bytes and takes them for no whole blob.
   * @throws {UnavailableError} when the next bytes do not come.
   */
  read(range: ByteRange, options: ReadOptions): AsyncIterable<Uint8Array>;
}
