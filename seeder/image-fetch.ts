import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { type ImageReference, formatImageReference } from "../core/image-reference.ts";
import { blobsBelow } from "../core/image-walk.ts";
import type { Platform } from "../core/platform.ts";
import type { BlobReader } from "../core/ports/blob-store.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { Origin } from "../core/ports/origin.ts";
import type { BlobCache } from "./blob-cache.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import type { BlobRoom } from "./blob-room.ts";
import type { BlobsInUse } from "./blobs-in-use.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import type { PinnedImages } from "./pinned-images.ts";
import type { BlobEvent } from "./preheat-event.ts";
import { problemOf } from "./problem-of.ts";
import type { TagBook } from "./tags/tag-book.ts";

/** What {@link ImageFetch} works with. */
export interface ImageFetchDeps {
  readonly store: Pick<BlobReader, "read">;
  readonly cache: Pick<BlobCache, "obtain">;
  readonly room: Pick<BlobRoom, "check">;
  readonly known: Pick<KnownBlobs, "add" | "hear">;
  readonly pinned: Pick<PinnedImages, "add" | "settle">;
  readonly inUse: Pick<BlobsInUse, "hold">;
  readonly origin: Pick<Origin, "resolve">;
  readonly book: Pick<TagBook, "note">;
}

/** Which image, and for whom. */
export interface WantedImage {
  readonly reference: ImageReference;
  readonly platforms: readonly Platform[] | "all";
}

type ImageFetchOptions = ImageFetchDeps & { readonly onEvent: (event: BlobEvent) => void };

/** Bytes between two events of one blob: a person sees it move, a pipe is not flooded. */
const progressStepBytes = 4 * 1024 * 1024;

/**
 * One image on its way from its origin: manifests first, then all that they name, as many
 * at once as the cache allows. What is here stays until it is disposed of.
 */
export class ImageFetch implements Disposable {
  readonly #image: WantedImage;
  readonly #options: ImageFetchOptions;
  readonly #holds: Disposable[] = [];
  /** Why blobs could not be had. */
  readonly failures: unknown[] = [];
  /** Blobs that are here, manifests among them, and their length. */
  blobs = 0;
  bytes = 0;

  constructor(image: WantedImage, options: ImageFetchOptions) {
    this.#image = image;
    this.#options = options;
  }

  /**
   * Fetches all, and gives what the reference names. What cannot be had is among the
   * failures, and the others go on.
   *
   * @throws what comes of the top manifest, and the signal's reason
   */
  async run({ signal }: Cancellable): Promise<Descriptor> {
    const { origin, book, room, pinned } = this.#options;
    const { reference, platforms } = this.#image;
    const top = await origin.resolve(reference, { signal });
    await book.note(reference, top, "registry");
    const blobs = await blobsBelow(top, {
      platforms,
      manifest: async (descriptor) => {
        this.#note([descriptor], top.digest);
        return this.#manifest(descriptor, { signal });
      },
      onFailure: (descriptor, error) => this.#fail({ descriptor, bytes: 0, error }),
    });
    const totalBytes = blobs.reduce((sum, { size }) => sum + size, 0);
    room.check(totalBytes, formatImageReference(reference));
    this.#note(blobs, top.digest);
    for (const descriptor of blobs) this.#tell(descriptor, { bytes: 0, state: "waiting" });
    await Promise.all(blobs.map((descriptor) => this.#fetch(descriptor, { signal })));
    signal.throwIfAborted();
    if (this.failures.length === 0) {
      await pinned.settle(formatImageReference(reference), top.digest);
    }
    return top;
  }

  /** Lets others take the room of what was fetched. */
  [Symbol.dispose](): void {
    for (const hold of this.#holds.splice(0)) hold[Symbol.dispose]();
  }

  async #fetch(descriptor: Descriptor, { signal }: Cancellable): Promise<void> {
    let toldBytes = 0;
    const onBytes = (bytes: number) => {
      if (bytes - toldBytes < progressStepBytes) return;
      toldBytes = bytes;
      this.#tell(descriptor, { bytes, state: "fetching" });
    };
    try {
      await this.#obtain(descriptor, { onBytes, signal });
    } catch (error) {
      this.#fail({ descriptor, bytes: toldBytes, error });
    }
  }

  async #manifest(descriptor: Descriptor, { signal }: Cancellable): Promise<Uint8Array> {
    await this.#obtain(descriptor, { onBytes: () => undefined, signal });
    const range = { start: 0, end: descriptor.size };
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#options.store.read(descriptor.digest, range, { signal })) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  async #obtain(
    descriptor: Descriptor,
    options: Cancellable & { readonly onBytes: (bytes: number) => void },
  ): Promise<void> {
    const { cache, known } = this.#options;
    const { size } = await cache.obtain(this.#originBlob(descriptor), options);
    known.add(this.#originBlob({ ...descriptor, size }));
    this.blobs++;
    this.bytes += size;
    this.#tell(descriptor, { bytes: size, state: "done" });
  }

  /** From here on the blobs are known, and stay while this goes on; for good if they are pinned. */
  #note(descriptors: readonly Descriptor[], image: Digest): void {
    const { known, pinned, inUse } = this.#options;
    const digests = descriptors.map(({ digest }) => digest);
    for (const descriptor of descriptors) known.hear(this.#originBlob(descriptor));
    pinned.add(formatImageReference(this.#image.reference), image, digests);
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
    const { registry, repository } = this.#image.reference;
    return { registry, repository, descriptor };
  }
}
