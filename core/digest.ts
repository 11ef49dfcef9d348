import { createHash, type Hash } from "node:crypto";

import { InvalidArgumentError } from "./errors.ts";

/** Hash algorithms that a digest may name, and the length of their hex form. */
const hexLengths = { sha256: 64, sha384: 96, sha512: 128 } as const;

/** A hash algorithm of the OCI image-spec that this project can compute. */
export type DigestAlgorithm = keyof typeof hexLengths;

declare const digestBrand: unique symbol;

/**
 * `<algorithm>:<hex>`, checked: a known algorithm and lower-case hex of its length.
 *
 * @see OCI image-spec v1.1, descriptor.md
 */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly [digestBrand]: true };

const digestPattern = /^(sha256|sha384|sha512):([0-9a-f]+)$/;

/** Tells whether `text` is a well-formed digest of a known algorithm. */
export function isDigest(text: string): text is Digest {
  const match = digestPattern.exec(text);
  return match !== null && match[2]?.length === hexLengths[match[1] as DigestAlgorithm];
}

/** @throws {InvalidArgumentError} when `text` is not a well-formed digest of a known algorithm. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new InvalidArgumentError(`Cannot parse digest ${JSON.stringify(text.slice(0, 160))}`);
}

/** The part before the colon. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(":")) as DigestAlgorithm;
}

/** The part after the colon: lower-case hex, safe as a file name. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of what was fed into `hash`, which is finalised and cannot be used again. */
export function digestFromHash(hash: Hash, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}

/** The sha256 digest of bytes at hand. */
export function digestOf(bytes: Uint8Array): Digest {
  return digestFromHash(createHash("sha256").update(bytes));
}
