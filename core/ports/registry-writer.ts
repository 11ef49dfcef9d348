import type { Descriptor } from "../descriptor.ts";
import type { Digest } from "../digest.ts";
import type { Cancellable } from "./cancellable.ts";
import type { Repository } from "./origin.ts";

/** A blob, and the repository that should have it. */
export interface BlobPlace extends Repository {
  readonly digest: Digest;
}

/** A manifest on its way to a repository. */
export interface ManifestToWrite extends Repository {
  /** Tag or digest that it is put under. */
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes to registries.
 *
 * All methods throw {AccessDeniedError} when the registry refuses us, {WriteRefusedError} when
 * it refuses what we write, and {UnavailableError} when it cannot be reached or does not answer
 * as it should.
 */
export interface RegistryWriter {
  /** Length of a blob in bytes; `undefined` when the repository has it not. */
  blobSize(place: BlobPlace, options: Cancellable): Promise<number | undefined>;

  /** Whether the repository has a manifest of that digest. */
  hasManifest(place: BlobPlace, options: Cancellable): Promise<boolean>;

  /**
   * Has the registry take a blob from another repository of its own. False when it does not:
   * it knows no such blob, or does not do that at all.
   */
  mountBlob(place: BlobPlace, options: Cancellable & { readonly from: string }): Promise<boolean>;

  /**
   * Uploads a blob. The registry checks its digest.
   *
   * @param options.open Gives the bytes from the first one on; called anew for another try. What
   *   it throws is thrown.
   */
  writeBlob(
    place: Repository & { readonly descriptor: Descriptor },
    options: Cancellable & { readonly open: () => AsyncIterable<Uint8Array> },
  ): Promise<void>;

  /** Puts a manifest. What it names must be in the repository. */
  writeManifest(manifest: ManifestToWrite, options: Cancellable): Promise<void>;
}
