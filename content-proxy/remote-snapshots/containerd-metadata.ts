import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/** A question about one of containerd's namespaces. */
export type InNamespace = Cancellable & { readonly namespace: string };

/**
 * What containerd has written down of blobs and images, as far as blobs of layers are added
 * to it. Not to be changed from within an answer that containerd waits for.
 *
 * Every method throws {UnavailableError} when containerd does not answer, or refuses.
 */
export interface ContainerdMetadata {
  namespaces(options: Cancellable): Promise<readonly string[]>;

  /** The manifests and indexes that the images of a namespace are. */
  imageTargets(options: InNamespace): Promise<readonly Digest[]>;

  /** The labels of a blob; `undefined` when the namespace has no such blob. */
  labelsOf(digest: Digest, options: InNamespace): Promise<Labels | undefined>;

  /** Makes a lease of that id that ends by itself at some time. */
  createLease(lease: string, options: InNamespace & { readonly expiresAt: Date }): Promise<void>;

  /** Ends a lease, if there is such a one. */
  deleteLease(lease: string, options: InNamespace): Promise<void>;

  /**
   * Has a namespace know of a blob that our store has or can get: nothing is copied. The lease
   * keeps it until something else does. False when our store cannot get it, or containerd will
   * never take it.
   */
  register(
    blob: Pick<Descriptor, "digest" | "size"> & { readonly labels: Labels },
    options: InNamespace & { readonly lease: string },
  ): Promise<boolean>;
}
