import { InvalidArgumentError } from "../../core/errors.ts";
import { type InfoHash, infoHashFromBytes } from "../../core/info-hash.ts";
import { encodeBencode } from "../../core/bencode.ts";
import type { HttpAnswer } from "../../core/http/http-answer.ts";

/** Torrents that one scrape may ask for: as many as over UDP (BEP 15). */
const infoHashesMax = 74;

/** Seeders and leechers of a torrent. */
export interface ScrapeCounts {
  readonly complete: number;
  readonly incomplete: number;
}

/**
 * Answers a scrape over HTTP. The package writes info hashes as UTF-8 there, which no
 * other client understands, and tells of all torrents when none is named.
 *
 * @param query The part of the URL after the question mark.
 * @see BEP 48
 */
export function scrapeAnswer(
  query: string,
  countsOf: (infoHash: InfoHash) => ScrapeCounts,
): HttpAnswer {
  let body: Buffer;
  try {
    const infoHashes = infoHashesIn(query).sort();
    const files = infoHashes.flatMap((infoHash) => [
      Buffer.from("20:"),
      Buffer.from(infoHash, "hex"),
      encodeBencode({ ...countsOf(infoHash), downloaded: countsOf(infoHash).complete }),
    ]);
    body = Buffer.concat([Buffer.from("d5:filesd"), ...files, Buffer.from("ee")]);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    body = encodeBencode({ "failure reason": error.message });
  }
  return { status: 200, body, contentType: "text/plain" };
}

/** @throws {InvalidArgumentError} when there are none, too many, or malformed ones. */
function infoHashesIn(query: string): InfoHash[] {
  const values = query
    .split("&")
    .filter((parameter) => parameter.startsWith("info_hash="))
    .map((parameter) => parameter.slice("info_hash=".length));
  if (values.length === 0 || values.length > infoHashesMax) {
    throw new InvalidArgumentError(`Cannot scrape: want 1 to ${infoHashesMax} info hashes`);
  }
  return [...new Set(values.map((value) => infoHashFromBytes(percentDecoded(value))))];
}

/** Bytes, which need not be UTF-8. */
function percentDecoded(text: string): Buffer {
  const latin1 = text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(latin1, "latin1");
}
