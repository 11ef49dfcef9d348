import type { ByteRange } from "../byte-range.ts";
import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { Assignment, PieceSource, SourceOwner } from "./assignment.ts";

/** Pause after a failed request, and the most that repeated failures make of it. */
const retryPauseMs = 500;
const retryPauseMaxMs = 15_000;

/** What came of a request for a piece. */
export type OriginAnswer =
  { readonly bytes: Uint8Array } | { readonly problem: string; readonly isExpected: boolean };

export interface OriginSourceDeps {
  readonly layout: PieceLayout;
  readonly owner: SourceOwner;
  /** Asks for bytes; what comes of it is told to {@link OriginSource.answer} by the number. */
  readonly ask: (request: number, range: ByteRange) => void;
  readonly now: () => number;
}

/**
 * Where the blob came from in the first place, as a source of its pieces. The other thread
 * speaks with it. One piece is asked for at a time, in order, for there it is one stream.
 */
export class OriginSource implements PieceSource {
  readonly kind = "origin";
  readonly name = "origin";
  readonly whole = true;
  readonly stalled = false;
  readonly rate = 0;
  readonly #deps: OriginSourceDeps;
  #asked: Assignment | undefined;
  #request = 0;
  #failures = 0;
  #retryAtMs = -Infinity;
  #gaveAtMs = -Infinity;
  #isClosed = false;

  constructor(deps: OriginSourceDeps) {
    this.#deps = deps;
  }

  get gaveAtMs(): number {
    return this.#gaveAtMs;
  }

  has(): boolean {
    return !this.#isClosed && this.#asked === undefined;
  }

  bytesUntil(index: number): number {
    return this.#asked?.index === index ? this.#asked.buffer.length : 0;
  }

  fill(): void {
    if (!this.has() || this.#deps.now() < this.#retryAtMs) return;
    const { owner, layout, ask } = this.#deps;
    this.#asked = owner.assign(this);
    if (!this.#asked) return;
    const { index } = this.#asked;
    const start = index * layout.pieceLength;
    ask(++this.#request, { start, end: start + pieceLengthAt(layout, index) });
  }

  /** Takes what came of a request; one that is not waited for any more is passed over. */
  answer(request: number, answer: OriginAnswer): void {
    const asked = this.#asked;
    if (request !== this.#request || !asked) return;
    const { owner, now } = this.#deps;
    this.#asked = undefined;
    if ("bytes" in answer && answer.bytes.byteLength === asked.buffer.length) {
      this.#failures = 0;
      this.#gaveAtMs = now();
      asked.buffer.set(answer.bytes);
      owner.onPiece(this, asked);
      this.fill();
      return;
    }
    this.#retryAtMs = now() + Math.min(retryPauseMaxMs, retryPauseMs * 2 ** this.#failures++);
    const { problem, isExpected } =
      "bytes" in answer ? { problem: "it gave too little", isExpected: false } : answer;
    owner.onGaveUp(this, asked, { reason: problem, isExpected });
  }

  cancel(index: number): Buffer | undefined {
    if (this.#asked?.index !== index) return undefined;
    const { buffer } = this.#asked;
    this.#asked = undefined;
    return buffer;
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const unfinished = this.#asked ? [this.#asked] : [];
    this.#asked = undefined;
    this.#deps.owner.onClosed(this, unfinished, reason);
  }
}
