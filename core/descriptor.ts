import type { Digest } from "./digest.ts";

/**
 * Names a blob and says what it is.
 *
 * @see OCI image-spec v1.1, descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Length of the blob in bytes. */
  readonly size: number;
}
