import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image-reference.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { DescribingOrigin, OriginOptions, Repository } from "../../core/ports/origin.ts";
import type { SourceReport } from "../../core/service-status.ts";

/** Longest text of a problem in a status. */
const problemLengthMax = 200;

/** An origin whose answers are noted, for people to look at. */
export class WatchedOrigin implements DescribingOrigin {
  readonly #origin: DescribingOrigin;
  readonly #name: string;
  #up: boolean | undefined;
  #problem: string | undefined;
  #bytes = 0;

  /** @param name Host that it is asked for. */
  constructor(origin: DescribingOrigin, name: string) {
    this.#origin = origin;
    this.#name = name;
  }

  /** What is known of it. */
  report(): SourceReport {
    return {
      kind: "origin",
      name: this.#name,
      bytes: this.#bytes,
      ...(this.#up === undefined ? {} : { up: this.#up }),
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
    };
  }

  async resolve(reference: ImageReference, options: OriginOptions): Promise<Descriptor> {
    return this.#noting(this.#origin.resolve(reference, options), options);
  }

  async describe(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor> {
    return this.#noting(this.#origin.describe(from, options), options);
  }

  async *blob(
    from: Repository & { readonly descriptor: Descriptor },
    options: OriginOptions & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of this.#origin.blob(from, options)) {
        this.#noteAnswer();
        this.#bytes += chunk.byteLength;
        yield chunk;
      }
    } catch (error) {
      this.#noteError(error, options);
      throw error;
    }
  }

  async #noting<T>(answer: Promise<T>, options: Cancellable): Promise<T> {
    try {
      const result = await answer;
      this.#noteAnswer();
      return result;
    } catch (error) {
      this.#noteError(error, options);
      throw error;
    }
  }

  #noteAnswer(): void {
    this.#up = true;
    this.#problem = undefined;
  }

  /** Who says that it has no such blob, or that we may not have it, has answered. */
  #noteError(error: unknown, { signal }: Cancellable): void {
    if (signal.aborted) return;
    if (!(error instanceof UnavailableError)) {
      this.#noteAnswer();
      return;
    }
    this.#up = false;
    this.#problem = error.message.slice(0, problemLengthMax);
  }
}
