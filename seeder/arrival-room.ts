import type { OriginBlob } from "./blob-fetch.ts";
import type { BlobRoom } from "./blob-room.ts";
import { halfRefOf } from "./half-ref.ts";
import { holdAhead } from "./hold-ahead.ts";

/**
 * Room for a blob that comes from an origin. Its size is the word of who asked for it, or of the
 * origin: blobs that are here leave for bytes that came, and not for a word.
 */
export class ArrivalRoom implements Disposable {
  readonly #ref: string;
  readonly #size: number;
  readonly #room: Pick<BlobRoom, "hold">;
  readonly #kept: Disposable;
  /** Up to where there is room for it. */
  #end = 0;

  /** @throws {StorageFullError} when it is larger than all that may be here. */
  constructor(blob: OriginBlob, room: Pick<BlobRoom, "check" | "hold" | "keep">) {
    const { digest, size } = blob.descriptor;
    room.check(size, `blob ${digest}`);
    this.#ref = halfRefOf(blob);
    this.#size = size;
    this.#room = room;
    this.#kept = room.keep(this.#ref);
  }

  /**
   * Makes room for its bytes up to `end`, which are about to be written, and for some more.
   *
   * @throws {StorageFullError} when what is here may not leave for them.
   */
  async reach(end: number): Promise<void> {
    if (end <= this.#end) return;
    this.#end = await holdAhead(this.#room, { ref: this.#ref, end, endTold: this.#size });
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]();
  }
}
