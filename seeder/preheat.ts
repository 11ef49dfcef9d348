import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { CodedError, codeOf } from "../core/errors.ts";
import { type ImageReference, formatImageReference } from "../core/image-reference.ts";
import type { Platform } from "../core/platform.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { Origin } from "../core/ports/origin.ts";
import type { BlobCache } from "./blob-cache.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import type { BlobRoom } from "./blob-room.ts";
import type { BlobsInUse } from "./blobs-in-use.ts";
import { blobsBelow } from "./image-walk.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import type { PinnedImages } from "./pinned-images.ts";
import type { BlobEvent, PreheatEvent } from "./preheat-event.ts";

/** What a preheat works with. */
export interface PreheatDeps {
  readonly store: Pick<BlobReader, "read">;
  readonly cache: Pick<BlobCache, "obtain">;
  readonly room: Pick<BlobRoom, "check">;
  readonly known: Pick<KnownBlobs, "add" | "save">;
  readonly pinned: Pick<PinnedImages, "add" | "settle">;
  readonly inUse: Pick<BlobsInUse, "hold">;
  readonly origin: Pick<Origin, "resolve">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What to fetch. */
export interface PreheatRequest {
  readonly reference: ImageReference;
  readonly platforms: readonly Platform[] | "all";
}

/** Told of each blob, and once of the end; never called after that. */
export type OnPreheatEvent = (event: PreheatEvent) => void;

type PreheatOptions = PreheatDeps & Cancellable & { readonly onEvent: OnPreheatEvent };

/** Bytes between two events of one blob: a person sees it move, a pipe is not flooded. */
const progressStepBytes = 4 * 1024 * 1024;

/**
 * Fetches an image from its origin: manifests first, then all that they name, as many
 * at once as the cache allows. What cannot be had is told, and the others go on. Never
 * rejects: the last event tells how it ended.
 */
export async function preheat(request: PreheatRequest, options: PreheatOptions): Promise<void> {
  const { clock, known, logger, onEvent } = options;
  const image = formatImageReference(request.reference);
  const startedMs = clock.monotonicMs();
  const run = new PreheatRun(request, options);
  try {
    await run.fetchAll();
  } catch (error) {
    run.failures.push(error);
  } finally {
    run.release();
  }
  await known.save();
  const { blobs, bytes } = run;
  const [failure] = run.failures;
  const durationMs = Math.round(clock.monotonicMs() - startedMs);
  const end = { event: "end", ok: failure === undefined, bytes, blobs, durationMs } as const;
  if (failure === undefined) {
    logger.info("preheated an image", { image, blobs, bytes, durationMs });
    onEvent(end);
  } else {
    const code = codeOf(failure);
    const problem = code === "internal" ? failure : problemOf(failure);
    logger.warn("cannot preheat an image", { image, blobs, bytes, durationMs, code, problem });
    onEvent({ ...end, error: problemOf(failure) });
  }
}

/** One image on its way. */
class PreheatRun {
  readonly #request: PreheatRequest;
  readonly #options: PreheatOptions;
  readonly #holds: Disposable[] = [];
  readonly failures: unknown[] = [];
  /** Blobs that are here, manifests among them, and their length. */
  blobs = 0;
  bytes = 0;

  constructor(request: PreheatRequest, options: PreheatOptions) {
    this.#request = request;
    this.#options = options;
  }

  async fetchAll(): Promise<void> {
    const { origin, room, pinned, signal } = this.#options;
    const { reference, platforms } = this.#request;
    const top = await origin.resolve(reference, { signal });
    const blobs = await blobsBelow(top, {
      platforms,
      manifest: async (descriptor) => {
        this.#note([descriptor], top.digest);
        return this.#manifest(descriptor);
      },
      onFailure: (descriptor, error) => this.#fail({ descriptor, bytes: 0, error }),
    });
    const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
    room.check(totalBytes, formatImageReference(reference));
    this.#note(blobs, top.digest);
    for (const descriptor of blobs) this.#tell(descriptor, { bytes: 0, state: "waiting" });
    await Promise.all(blobs.map((descriptor) => this.#fetch(descriptor)));
    signal.throwIfAborted();
    if (this.failures.length > 0) return;
    await pinned.settle(formatImageReference(reference), top.digest);
  }

  /** Lets others take the room of what was fetched. */
  release(): void {
    for (const hold of this.#holds.splice(0)) hold[Symbol.dispose]();
  }

  async #fetch(descriptor: Descriptor): Promise<void> {
    let toldBytes = 0;
    try {
      await this.#obtain(descriptor, (bytes) => {
        if (bytes - toldBytes < progressStepBytes) return;
        toldBytes = bytes;
        this.#tell(descriptor, { bytes, state: "fetching" });
      });
    } catch (error) {
      this.#fail({ descriptor, bytes: toldBytes, error });
    }
  }

  async #manifest(descriptor: Descriptor): Promise<Uint8Array> {
    await this.#obtain(descriptor, () => undefined);
    const { store, signal } = this.#options;
    const range = { start: 0, end: descriptor.size };
    const chunks: Uint8Array[] = [];
    for await (const chunk of store.read(descriptor.digest, range, { signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async #obtain(descriptor: Descriptor, onBytes: (bytes: number) => void): Promise<void> {
    const { cache, signal } = this.#options;
    const { size } = await cache.obtain(this.#originBlob(descriptor), { onBytes, signal });
    this.blobs++;
    this.bytes += size;
    this.#tell(descriptor, { bytes: size, state: "done" });
  }

  /** From here on the blobs are known, and stay while this goes on; for good if they are pinned. */
  #note(descriptors: readonly Descriptor[], image: Digest): void {
    const { known, pinned, inUse } = this.#options;
    const digests = descriptors.map(({ digest }) => digest);
    for (const descriptor of descriptors) known.add(this.#originBlob(descriptor));
    pinned.add(formatImageReference(this.#request.reference), image, digests);
    this.#holds.push(inUse.hold(digests));
  }

  #fail(failed: { descriptor: Descriptor; bytes: number; error: unknown }): void {
    const { descriptor, bytes, error } = failed;
    this.failures.push(error);
    this.#tell(descriptor, { bytes, state: "failed", problem: problemOf(error) });
  }

  #tell(descriptor: Descriptor, progress: Pick<BlobEvent, "bytes" | "state" | "problem">): void {
    this.#options.onEvent({ event: "blob", ...descriptor, ...progress });
  }

  #originBlob(descriptor: Descriptor): OriginBlob {
    const { registry, repository } = this.#request.reference;
    return { registry, repository, descriptor };
  }
}

/** What a client may read: only expected errors tell why. */
function problemOf(error: unknown): string {
  if (error instanceof CodedError) return error.message;
  return codeOf(error) === "internal" ? "internal error" : codeOf(error).replace("_", " ");
}
