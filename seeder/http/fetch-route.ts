import type { IncomingMessage } from "node:http";

import { z } from "zod";

import { Credential } from "../../core/credential.ts";
import { type Digest, isDigest } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { type HttpAnswer, errorAnswer, jsonAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { isRegistry, isRepository } from "../../core/image-reference.ts";
import { formatPeerAddress } from "../../core/peer-address.ts";
import { blobSizeMax } from "../../core/piece-layout.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { coldContentLengthMax } from "../../core/ports/cold-source.ts";
import type { BytesGiven } from "../bytes-given.ts";
import type { ColdFetches } from "../cold-fetches.ts";
import type { ColdRequest } from "../cold-request.ts";
import { parseJsonBody } from "./json-body.ts";
import { type OwnAddressDeps, ownPeer, ownWebSeeds } from "./own-address.ts";

/** What {@link fetchRoute} works with. */
export interface FetchRouteDeps extends OwnAddressDeps {
  readonly coldFetches: Pick<ColdFetches, "fetch">;
  readonly store: Pick<BlobReader, "read">;
  readonly given: Pick<BytesGiven, "add">;
}

/** Longest request: eight repositories, and what the blob is. */
const bodyLengthMax = 16 * 1024;

const bodySchema = z.strictObject({
  digest: z.custom<Digest>((value) => typeof value === "string" && isDigest(value)),
  size: z.int().min(0).max(blobSizeMax).optional(),
  mediaType: z.string().min(1).max(255).optional(),
  from: z
    .array(
      z.strictObject({
        registry: z.string().refine(isRegistry),
        repository: z.string().refine(isRepository),
      }),
    )
    .max(8),
});

/** Value of an `Authorization` header, of the schemes that registries take. */
const authorizationPattern = /^(?:basic|bearer) [\x21-\x7e]+$/i;

/**
 * Answers `POST /v1/fetch`: has a blob fetched that nobody has, once for all who ask. Says
 * `whole`, with the blob in base64 as `content` where it is small, or `arriving` with where its
 * bytes can be had meanwhile.
 *
 * @throws {CodedError}
 */
export async function fetchRoute(
  request: IncomingMessage,
  { deps, signal }: Cancellable & { readonly deps: FetchRouteDeps },
): Promise<HttpAnswer> {
  if (request.method !== "POST") {
    return errorAnswer("unimplemented", "Cannot do that: want POST", 405);
  }
  const body = await readBody(request, bodyLengthMax);
  if (!body) throw new InvalidArgumentError("Cannot fetch: the request is too long");
  const wanted = parseColdRequest(body, request.headers["shoal-registry-authorization"]);
  const { state, size } = await deps.coldFetches.fetch(wanted, { signal });
  if (state === "whole") {
    const content = await contentOf({ digest: wanted.digest, size }, { deps, signal });
    return jsonAnswer(200, { state, size, content });
  }
  return jsonAnswer(200, {
    ...{ state, size },
    peers: [formatPeerAddress(ownPeer(request, deps))],
    webSeeds: ownWebSeeds(request, wanted.digest),
  });
}

/** A small blob in base64; `undefined` where it is not small, or has just left the disk. */
async function contentOf(
  { digest, size }: { readonly digest: Digest; readonly size: number },
  { deps, signal }: Cancellable & { readonly deps: FetchRouteDeps },
): Promise<string | undefined> {
  if (size > coldContentLengthMax) return undefined;
  const chunks: Uint8Array[] = [];
  try {
    const range = { start: 0, end: size };
    for await (const chunk of deps.store.read(digest, range, { signal })) chunks.push(chunk);
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
  deps.given.add(size);
  return Buffer.concat(chunks).toString("base64");
}

/** @throws {InvalidArgumentError} which tells nothing of what was sent: it may be a secret. */
function parseColdRequest(
  body: Uint8Array,
  authorization: string | string[] | undefined,
): ColdRequest {
  const { data } = bodySchema.safeParse(parseJsonBody(body));
  if (!data) {
    throw new InvalidArgumentError(
      'Cannot fetch: want {"digest", "size", "mediaType", "from": [{"registry", "repository"}]}',
    );
  }
  if (authorization === undefined) return data;
  if (typeof authorization !== "string" || !authorizationPattern.test(authorization)) {
    throw new InvalidArgumentError("Cannot fetch: want Basic or Bearer to show to the registry");
  }
  const [first] = data.from;
  const isFor = first && { registry: first.registry };
  return { ...data, authorization: new Credential(authorization, isFor) };
}
