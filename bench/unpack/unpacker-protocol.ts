import type { Digest } from "../../core/digest.ts";

/** A layer that our unpacker is to unpack, as often as there are folders. */
export interface UnpackRequest {
  readonly blobPath: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly diffId: Digest;
  /** Folders that are there and empty; the layer is unpacked into all of them at once. */
  readonly into: readonly string[];
}

/** What came of it. */
export type UnpackReport =
  | { readonly kind: "ready" }
  | { readonly kind: "unpacked"; readonly durationMs: number }
  | { readonly kind: "failed"; readonly message: string };
