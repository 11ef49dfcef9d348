import { createHash } from "node:crypto";

import { type Digest, algorithmOf, digestFromHash } from "../digest.ts";
import { BlobSizeError, InvalidArgumentError } from "../errors.ts";
import { malformed, parseJsonObject } from "../json-object.ts";
import { type PeerAddress, parsePeerAddress } from "../peer-address.ts";
import { blobSizeMax } from "../piece-layout.ts";
import { coldContentLengthMax } from "../ports/cold-source.ts";

/** What a seeder answers to `POST /v1/fetch`, checked. */
export type SeederAnswer =
  | { readonly state: "whole"; readonly size: number; readonly content?: Uint8Array }
  | {
      readonly state: "arriving";
      readonly size: number;
      readonly peers: readonly PeerAddress[];
      readonly webSeeds: readonly string[];
    };

/** Longest answer in bytes: a handful of addresses and URLs, or a small blob in base64. */
export const coldAnswerLengthMax = 64 * 1024 + Math.ceil(coldContentLengthMax / 3) * 4;

/** Peers and web seeds that are read of one answer: a seeder names itself. */
const sourcesMax = 8;

/** Longest address or URL. */
const textLengthMax = 1000;

/** What was asked for, and whom. */
export interface ColdQuestion {
  readonly digest: Digest;
  /** As a manifest told it; left out where none did. */
  readonly size?: number | undefined;
  /** Base URL of the seeder: it may name URLs of its own, and no others. */
  readonly seeder: string;
}

/**
 * Reads what a seeder answers, and checks the blob that comes with it. Peers and URLs that make no
 * sense are left out.
 *
 * @throws {InvalidArgumentError} when it is not such an answer.
 * @throws {BlobSizeError} when the seeder speaks of a blob of another length.
 */
export function parseColdAnswer(bytes: Uint8Array, question: ColdQuestion): SeederAnswer {
  const what = "the answer of a seeder";
  const answer = parseJsonObject(bytes, { what, lengthMax: coldAnswerLengthMax });
  const { state, size } = answer;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0 || size > blobSizeMax) {
    throw malformed(what, "its size is none");
  }
  if (question.size !== undefined && size !== question.size) {
    throw new BlobSizeError(question.size, size);
  }
  if (state === "whole") return { state, size, ...contentIn(answer, { ...question, size }) };
  if (state !== "arriving" || size === 0) throw malformed(what, "its state is unknown");
  return {
    ...{ state, size },
    peers: textsIn(answer["peers"]).flatMap(peerIn),
    webSeeds: textsIn(answer["webSeeds"]).filter((url) => isUrlOf(url, question.seeder)),
  };
}

/** None where the seeder leaves it out; another blob is no answer. */
function contentIn(
  { content: text }: Readonly<Record<string, unknown>>,
  { digest, size }: { readonly digest: Digest; readonly size: number },
): { readonly content?: Uint8Array } {
  if (text === undefined || size === 0) return {};
  const content = typeof text === "string" ? Buffer.from(text, "base64") : undefined;
  const algorithm = algorithmOf(digest);
  // The size is compared first: who answers something else is not worth a hash.
  if (
    content?.byteLength === size &&
    digestFromHash(createHash(algorithm).update(content), algorithm) === digest
  ) {
    return { content };
  }
  throw malformed("the answer of a seeder", "its content is not the blob");
}

function textsIn(value: unknown): string[] {
  const items: readonly unknown[] = Array.isArray(value) ? value : [];
  return items
    .slice(0, sourcesMax)
    .filter((item) => typeof item === "string")
    .filter(({ length }) => length <= textLengthMax);
}

function peerIn(text: string): PeerAddress[] {
  try {
    return [parsePeerAddress(text)];
  } catch (error) {
    if (error instanceof InvalidArgumentError) return [];
    throw error;
  }
}

function isUrlOf(url: string, seeder: string): boolean {
  return URL.canParse(url) && new URL(url).origin === new URL(seeder).origin;
}
