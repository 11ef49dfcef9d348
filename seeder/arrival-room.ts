import type { Descriptor } from "../core/descriptor.ts";
import type { BlobRoom } from "./blob-room.ts";
import { holdAhead } from "./hold-ahead.ts";

/**
 * Room for a blob that comes from an origin. Its size is the word of who asked for it, or of the
 * origin: blobs that are here leave for bytes that came, and not for a word.
 */
export class ArrivalRoom implements Disposable {
  readonly #blob: Descriptor;
  readonly #room: Pick<BlobRoom, "hold">;
  readonly #kept: Disposable;
  /** Up to where there is room for it. */
  #end = 0;

  /** @throws {StorageFullError} when it is larger than all that may be here. */
  constructor(blob: Descriptor, room: Pick<BlobRoom, "check" | "hold" | "keep">) {
    room.check(blob.size, `blob ${blob.digest}`);
    this.#blob = blob;
    this.#room = room;
    this.#kept = room.keep(blob.digest);
  }

  /**
   * Makes room for its bytes up to `end`, which are about to be written, and for some more.
   *
   * @throws {StorageFullError} when what is here may not leave for them.
   */
  async reach(end: number): Promise<void> {
    if (end <= this.#end) return;
    const { digest, size } = this.#blob;
    this.#end = await holdAhead(this.#room, { ref: digest, end, endTold: size });
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]();
  }
}
