import type { Http2Stream } from "./stream.ts";

/** The streams of a connection that have something to send, and send it in turn. */
export class SendTurns {
  readonly #waiting = new Set<Http2Stream>();

  add(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  delete(stream: Http2Stream): void {
    this.#waiting.delete(stream);
  }

  /** Sends what waits, a frame of each stream in turn, as long as windows and socket allow. */
  pump(): void {
    for (let isMoving = this.#waiting.size > 0; isMoving;) {
      isMoving = false;
      for (const stream of this.#waiting) {
        if (stream.transmit()) isMoving = true;
        if (!stream.isWaiting) this.#waiting.delete(stream);
      }
    }
  }
}
