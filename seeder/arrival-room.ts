import type { Descriptor } from "../core/descriptor.ts";
import type { BlobRoom } from "./blob-room.ts";

/** Room that is made in advance of the bytes: as much again as is here, within these bounds. */
const stepBytesMin = 1024 * 1024;
const stepBytesMax = 64 * 1024 * 1024;

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
    const step = Math.min(Math.max(end, stepBytesMin), stepBytesMax);
    const ahead = Math.max(end, Math.min(size, end + step));
    try {
      await this.#room.hold(digest, ahead);
      this.#end = ahead;
    } catch {
      // Others may have the room that would be made in advance.
      await this.#room.hold(digest, end);
      this.#end = end;
    }
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]();
  }
}
