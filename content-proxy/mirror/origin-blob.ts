import { type Hash, createHash } from "node:crypto";

import type { ByteRange } from "../../core/byte-range.ts";
import type { Credential } from "../../core/credential.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, algorithmOf, digestFromHash } from "../../core/digest.ts";
import { DigestMismatchError, UnavailableError } from "../../core/errors.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { DescribingOrigin, Repository } from "../../core/ports/origin.ts";
import type { Provenance } from "../provenance/provenance.ts";
import type { SuppliedBlob } from "./supplied-blob.ts";

/** What {@link openOriginBlob} works with. */
export interface OriginBlobDeps {
  readonly origin: Pick<DescribingOrigin, "describe" | "blob">;
  readonly provenance: Pick<Provenance, "find">;
}

/** A blob that a client wants, and in whose name the registry may be asked for it. */
export interface WantedOriginBlob extends Repository {
  readonly digest: Digest;
  readonly authorization?: Credential | undefined;
}

/**
 * A blob as its registry gives it, for a client that does not go on to the registry by itself
 * once it has the manifest from here: podman, buildah, skopeo and CRI-O take all of an image
 * from one place. It is not kept. One that is read whole is checked before its end is given; of
 * parts the client checks what they make together, as it does there.
 *
 * @throws {BlobNotFoundError} {AccessDeniedError} {UnavailableError} as the registry answers.
 */
export async function openOriginBlob(
  wanted: WantedOriginBlob,
  { origin, provenance }: OriginBlobDeps,
  { signal }: Cancellable,
): Promise<SuppliedBlob> {
  const { digest, registry, repository, authorization } = wanted;
  const known = provenance.find(digest)?.size;
  const { size } =
    known === undefined
      ? await origin.describe({ registry, repository, digest }, { authorization, signal })
      : { size: known };
  const descriptor = { digest, size, mediaType: "application/octet-stream" };
  return new OriginBlob(descriptor, (start, options) =>
    origin.blob({ registry, repository, descriptor }, { start, authorization, ...options }),
  );
}

/** Opens the blob at an offset. */
type Reader = (start: number, options: Cancellable) => AsyncIterable<Uint8Array>;

/** Where reading is, with the chunk that was waited for. */
interface Opened {
  readonly start: number;
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly first: IteratorResult<Uint8Array>;
}

class OriginBlob implements SuppliedBlob {
  readonly size: number;
  readonly #digest: Digest;
  readonly #read: Reader;
  #opened: Opened | undefined;

  constructor({ digest, size }: Descriptor, read: Reader) {
    this.#digest = digest;
    this.size = size;
    this.#read = read;
  }

  async ready({ start }: ByteRange, { signal }: Cancellable): Promise<void> {
    this.#opened = await this.#open(start, { signal });
  }

  /** The registry is asked for one range after the other. */
  hurry(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async *read({ start, end }: ByteRange, { signal }: Cancellable): AsyncGenerator<Uint8Array> {
    const ready = this.#opened;
    this.#opened = undefined;
    if (ready && ready.start !== start) await ready.chunks.return?.();
    const { chunks, first } = ready?.start === start ? ready : await this.#open(start, { signal });
    // Of a part nobody can tell whether it is right, but who asked for the whole.
    const isAll = start === 0 && end === this.size;
    const hash = isAll ? createHash(algorithmOf(this.#digest)) : undefined;
    try {
      let offset = start;
      for (let next = first; offset < end; next = await chunks.next()) {
        if (next.done) throw new UnavailableError(`Cannot read on: the registry ends at ${offset}`);
        const chunk = next.value.subarray(0, end - offset);
        offset += chunk.byteLength;
        hash?.update(chunk);
        // Without its end no client takes it for whole.
        if (offset === end && hash) this.#check(hash);
        yield chunk;
        if (offset === end) return;
      }
    } finally {
      await chunks.return?.();
    }
  }

  /** @throws {DigestMismatchError} */
  #check(hash: Hash): void {
    const actual = digestFromHash(hash, algorithmOf(this.#digest));
    if (actual !== this.#digest) throw new DigestMismatchError(this.#digest, actual);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.chunks.return?.();
  }

  async #open(start: number, { signal }: Cancellable): Promise<Opened> {
    const chunks = this.#read(start, { signal })[Symbol.asyncIterator]();
    return { start, chunks, first: await chunks.next() };
  }
}
