import type { Cancellable } from "../ports/cancellable.ts";
import type { ArrivingBlob } from "./arriving-blob.ts";
import type { PieceHashes } from "./piece-hashes.ts";
import type { PiecePicker } from "./piece-picker.ts";

export interface PieceAdmissionDeps {
  readonly hashes: PieceHashes;
  readonly blob: Pick<ArrivingBlob, "existing" | "have">;
  readonly picker: Pick<PiecePicker, "admit" | "done">;
  /** A piece was found in the file. */
  readonly onFound: (index: number) => void;
}

/**
 * Lets the pieces of a download be picked once their hashes are known and they were looked for
 * in its file.
 */
export class PieceAdmission {
  readonly #deps: PieceAdmissionDeps;
  #admitted = 0;
  #running: Promise<void> | undefined;

  constructor(deps: PieceAdmissionDeps) {
    this.#deps = deps;
  }

  /** Admits all pieces whose hashes are known. @throws what reading the file throws */
  async run(options: Cancellable): Promise<void> {
    this.#running ??= this.#admitKnown(options).finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** Those that become known meanwhile are among them. */
  async #admitKnown({ signal }: Cancellable): Promise<void> {
    const { hashes, blob, picker, onFound } = this.#deps;
    while (this.#admitted < hashes.known) {
      const [start, end] = [this.#admitted, hashes.known];
      for await (const index of blob.existing({ start, end, signal })) {
        picker.done(index);
        onFound(index);
      }
      picker.admit(end, blob.have);
      this.#admitted = end;
    }
  }
}
