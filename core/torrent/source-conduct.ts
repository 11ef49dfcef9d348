import type { Digest } from "../digest.ts";
import type { PieceSource, Refusal } from "./assignment.ts";
import type { DownloadEvents } from "./download-events.ts";

/** Tells people how the sources of one download behave. */
export class SourceConduct {
  readonly #digest: Digest;
  readonly #events: Pick<DownloadEvents, "onDetail" | "onWarning">;
  /** Sources that said that they have not got the blob. */
  readonly #empty = new Set<PieceSource>();

  constructor(digest: Digest, events: Pick<DownloadEvents, "onDetail" | "onWarning">) {
    this.#digest = digest;
    this.#events = events;
  }

  /** That a source has not got the blob is told once, and quietly: it may have it later. */
  refused(source: PieceSource, { reason, isExpected }: Refusal): void {
    const fields = { digest: this.#digest, source: source.name, reason };
    if (!isExpected) this.#events.onWarning("a source gave up on a piece", fields);
    else if (!this.#empty.has(source)) {
      this.#empty.add(source);
      this.#events.onDetail("a source has not got the blob", fields);
    }
  }

  gaveWrongPiece(source: PieceSource, piece: number, { banned }: { banned: boolean }): void {
    const fields = { digest: this.#digest, peer: source.name, piece, banned };
    this.#events.onWarning("peer gave a wrong piece", fields);
  }

  brokeProtocol(source: PieceSource, reason: string): void {
    this.#events.onWarning("peer broke the protocol", { peer: source.name, reason });
  }
}
