import type { BlobEvent } from "./event.ts";

/** Over how long the rate is taken: the last seconds, so that a stall shows at once. */
const rateWindowMs = 5000;

/** How far all blobs together are. */
export interface ProgressTotals {
  readonly bytes: number;
  /** Length of all blobs known so far: manifests bring more. */
  readonly size: number;
  readonly blobsDone: number;
  readonly blobs: number;
  readonly bytesPerSecond: number;
  /** Milliseconds that are left at this rate; `undefined` while it is 0. */
  readonly leftMs: number | undefined;
}

/** Adds up the events of a preheat. */
export class PreheatProgress {
  readonly #blobs = new Map<string, BlobEvent>();
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** Notes an event; true when it brings its blob into another state. */
  add(event: BlobEvent, nowMs: number): boolean {
    const before = this.#blobs.get(event.digest);
    this.#blobs.set(event.digest, event);
    this.#samples.push({ atMs: nowMs, bytes: this.#bytes() });
    while ((this.#samples[1]?.atMs ?? nowMs) <= nowMs - rateWindowMs) this.#samples.shift();
    return before?.state !== event.state;
  }

  /** How far it is at a moment, which is not before that of the last event. */
  totals(nowMs: number): ProgressTotals {
    const blobs = [...this.#blobs.values()];
    const bytes = this.#bytes();
    const size = blobs.reduce((sum, blob) => sum + blob.size, 0);
    const first = this.#samples[0];
    const elapsedMs = nowMs - (first?.atMs ?? nowMs);
    const gained = bytes - (first?.bytes ?? bytes);
    const bytesPerSecond = elapsedMs > 0 ? (gained / elapsedMs) * 1000 : 0;
    return {
      bytes,
      size,
      blobsDone: blobs.filter(({ state }) => state === "done").length,
      blobs: blobs.length,
      bytesPerSecond,
      leftMs: bytesPerSecond > 0 ? ((size - bytes) / bytesPerSecond) * 1000 : undefined,
    };
  }

  #bytes(): number {
    let bytes = 0;
    for (const blob of this.#blobs.values()) bytes += Math.min(blob.bytes, blob.size);
    return bytes;
  }
}
