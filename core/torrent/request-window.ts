/**
 * Bytes asked for first on a connection: a fast link has them in no time, and on a slow one the
 * piece that a reader turns out to wait for, or another node to need, is not behind a megabyte.
 */
const windowInitial = 256 * 1024;

/** As far as the window grows, by what arrives, before a rate is known: what a fast link wants. */
const windowUnknownMax = 1024 * 1024;

/** Less would leave a link idle between an answer and the next request. */
const windowMin = 128 * 1024;

/** Shortest block worth a message of its own, in bytes. */
const blockLengthMin = 32 * 1024;

/** At 1 GB/s this is 8 ms, many times the time that a refill takes. */
const windowMax = 8 * 1024 * 1024;

/** Time that the bytes asked for should last beyond two round trips. */
const windowMs = 100;

/** Time over which a rate is taken. Shorter ones see single buffers of the network. */
const sampleMs = 50;

/**
 * How many bytes to have asked for on one connection: twice what arrives within a
 * round trip and a bit more, so that it can grow while the link is faster, and a slow
 * link does not hold promises that other peers could have kept.
 */
export class RequestWindow {
  readonly #roundTripMs: number;
  #bytes = windowInitial;
  #rate = 0;
  #sampleStart: number;
  #sampleBytes = 0;

  /** @param options `roundTripMs` as the time that connecting took. */
  constructor(options: { readonly roundTripMs: number; readonly nowMs: number }) {
    this.#roundTripMs = options.roundTripMs;
    this.#sampleStart = options.nowMs;
  }

  /** Bytes that may be outstanding. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes to ask for at once, a power of two: a quarter of the window, so that it empties evenly. */
  get blockLength(): number {
    return Math.max(blockLengthMin, 2 ** (31 - Math.clz32(this.#bytes / 4)));
  }

  /** Bytes per second that arrived lately; 0 while nothing is known. */
  get rate(): number {
    return this.#rate;
  }

  /** Starts a measurement: what was asked for after a pause says nothing of the pause. */
  restart(nowMs: number): void {
    this.#sampleStart = nowMs;
    this.#sampleBytes = 0;
  }

  /** Notes bytes that arrived. */
  received(length: number, nowMs: number): void {
    this.#sampleBytes += length;
    if (this.#rate === 0) this.#bytes = Math.min(windowUnknownMax, this.#bytes + length);
    const elapsedMs = nowMs - this.#sampleStart;
    if (elapsedMs < sampleMs) return;
    const rate = (this.#sampleBytes * 1000) / elapsedMs;
    this.#rate = this.#rate === 0 ? rate : this.#rate * 0.7 + rate * 0.3;
    const wanted = (this.#rate * (2 * this.#roundTripMs + windowMs)) / 1000;
    this.#bytes = Math.min(windowMax, Math.max(windowMin, wanted));
    this.restart(nowMs);
  }
}
