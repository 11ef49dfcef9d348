import { createHash } from "node:crypto";

import { InvalidArgumentError } from "./errors.ts";

declare const infoHashBrand: unique symbol;

/**
 * SHA-1 of a torrent's bencoded info dictionary, in lower-case hex.
 *
 * @see BEP 3
 */
export type InfoHash = string & { readonly [infoHashBrand]: true };

/** @throws {InvalidArgumentError} when `text` is not 40 lower-case hex characters. */
export function parseInfoHash(text: string): InfoHash {
  if (/^[0-9a-f]{40}$/.test(text)) return text as InfoHash;
  throw new InvalidArgumentError(`Cannot parse info hash ${JSON.stringify(text.slice(0, 80))}`);
}

/** The info hash in the 20 bytes that a handshake carries. */
export function infoHashFromBytes(bytes: Uint8Array): InfoHash {
  return parseInfoHash(Buffer.from(bytes).toString("hex"));
}

/** The info hash of a bencoded info dictionary. */
export function infoHashOf(info: Uint8Array): InfoHash {
  return createHash("sha1").update(info).digest("hex") as InfoHash;
}
