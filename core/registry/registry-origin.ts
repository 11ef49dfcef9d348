import { createHash } from "node:crypto";

import { type Deadline, createDeadline } from "../async/deadline.ts";
import { pause } from "../async/pause.ts";
import type { Descriptor } from "../descriptor.ts";
import { type Digest, algorithmOf, digestFromHash, digestOf, parseDigest } from "../digest.ts";
import {
  BlobNotFoundError,
  BlobSizeError,
  DigestMismatchError,
  ImageNotFoundError,
  UnavailableError,
} from "../errors.ts";
import { manifestLengthMax, mediaTypeOfManifest } from "../image-manifest.ts";
import { type ImageReference, formatImageReference } from "../image-reference.ts";
import { isIndex, isManifest, mediaTypes } from "../media-type.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { DescribingOrigin, OriginOptions, Repository } from "../ports/origin.ts";
import { type HttpResponse, discardBody, readBounded } from "./http-request.ts";
import { RateFloor } from "./rate-floor.ts";
import type { RegistryClient, RegistryRequest } from "./registry-client.ts";
import { chunksWithin } from "./stall-watchdog.ts";

/** Every kind of manifest that we can read, for registries that convert otherwise. */
const acceptManifest = Object.values(mediaTypes)
  .filter((mediaType) => mediaType !== mediaTypes.ociConfig)
  .join(", ");

/** What a blob is that is no manifest: more is not known where it is kept. */
const mediaTypeOfBlob = "application/octet-stream";

/** Times that a body may break off without a byte of progress in between. */
const fruitlessMax = 3;

/** Times that one blob is resumed at all: a registry must not keep us with a byte each time. */
const resumesMax = 100;

/** How long a {@link RegistryOrigin} waits. */
export interface RegistryWaits {
  /** A registry from which nothing came for this long has hung. */
  readonly stallMs: number;
  /** Pause before a broken body is asked for again; grows with each fruitless try. */
  readonly resumePauseMs: number;
  /** An answer to a request for a blob, with all logins, redirects and pauses, begins within this. */
  readonly answerMs: number;
  /** Milliseconds since whenever, that only go on. */
  readonly nowMs: () => number;
}

/**
 * A hung registry costs no longer than a slow one that must start a blob from its archive. An answer
 * takes longest where it is put off three times, by half a minute each.
 */
const waitsDefault: RegistryWaits = {
  ...{ stallMs: 15_000, resumePauseMs: 200, answerMs: 120_000 },
  nowMs: () => performance.now(),
};

/** How one request for the rest of a blob is read. */
interface PartOptions extends OriginOptions {
  readonly start: number;
  /** Of all requests for that blob. */
  readonly floor: RateFloor;
}

/** A registry as an origin. @see OCI distribution-spec v1.1 */
export class RegistryOrigin implements DescribingOrigin {
  readonly #client: RegistryClient;
  readonly #waits: RegistryWaits;

  constructor(client: RegistryClient, waits: Partial<RegistryWaits> = {}) {
    this.#client = client;
    this.#waits = { ...waitsDefault, ...waits };
  }

  async resolve(
    reference: ImageReference,
    { signal, authorization }: OriginOptions,
  ): Promise<Descriptor> {
    const { registry, repository } = reference;
    const name = reference.digest ?? reference.tag ?? "latest";
    const request = {
      registry,
      repository,
      path: `manifests/${name}`,
      headers: { accept: acceptManifest },
      authorization,
    };
    const head = await this.#client.request({ ...request, method: "HEAD" }, { signal });
    await discardBody(head);
    if (head.statusCode === 200) {
      const descriptor = descriptorIn(head, reference.digest);
      if (descriptor) return descriptor;
    }
    // Some registries do not answer HEAD, or not with all that is needed: those that are
    // files behind a web server know neither digests nor media types.
    const get = await this.#client.request({ ...request, method: "GET" }, { signal });
    const body = await this.#manifestBody(get, reference, { signal });
    const digest = reference.digest ?? digestOf(body);
    checkDigest(digest, body);
    const named = contentTypeOf(get);
    const mediaType = isOfImage(named) ? named : mediaTypeIn(body, reference);
    return { mediaType, digest, size: body.length };
  }

  async *blob(
    from: Repository & { readonly descriptor: Descriptor },
    { start, ...options }: OriginOptions & { readonly start: number },
  ): AsyncGenerator<Uint8Array, void> {
    const { signal } = options;
    const { digest, size } = from.descriptor;
    let offset = start;
    const floor = new RateFloor();
    for (let fruitless = 0, resumes = 0; offset < size; resumes++) {
      const offsetBefore = offset;
      try {
        for await (const chunk of this.#blobFrom(from, { ...options, start: offset, floor })) {
          offset += chunk.byteLength;
          if (offset > size) throw new BlobSizeError(size, offset);
          yield chunk;
        }
        if (offset < size) throw new UnavailableError(`Cannot read blob ${digest}: it broke off`);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UnavailableError) || floor.isSpent) throw error;
        fruitless = offset > offsetBefore ? 1 : fruitless + 1;
        if (fruitless >= fruitlessMax || resumes >= resumesMax) throw error;
        await pause(this.#waits.resumePauseMs * fruitless, signal);
      }
    }
  }

  async describe(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor> {
    const { registry, repository, digest } = from;
    const { signal, authorization } = options;
    // The length of what is compressed on the way would not be the blob's.
    const headers = { "accept-encoding": "identity" };
    const request = { registry, repository, path: `blobs/${digest}`, headers, authorization };
    const head = await this.#client.request({ ...request, method: "HEAD" }, { signal });
    await discardBody(head);
    if (head.statusCode === 404) return this.#describeManifest(from, options);
    const size = Number(head.headers["content-length"]);
    if (head.statusCode === 200 && Number.isSafeInteger(size)) {
      return { mediaType: mediaTypeOfBlob, digest, size };
    }
    throw new UnavailableError(`Cannot ask for blob ${digest}: status ${head.statusCode}`);
  }

  /** Registries need not have manifests where they have other blobs. */
  async #describeManifest(
    from: Repository & { readonly digest: Digest },
    options: OriginOptions,
  ): Promise<Descriptor> {
    try {
      return await this.resolve(from, options);
    } catch (error) {
      if (!(error instanceof ImageNotFoundError)) throw error;
      throw new BlobNotFoundError(from.digest, { cause: error });
    }
  }

  /** One request for the rest of a blob; ends or breaks where the connection does. */
  async *#blobFrom(
    { registry, repository, descriptor }: Repository & { readonly descriptor: Descriptor },
    { start, floor, signal, authorization }: PartOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const { digest, mediaType, size } = descriptor;
    // What is compressed on the way would not be the blob's bytes.
    const headers: Record<string, string> = { "accept-encoding": "identity" };
    if (start > 0) headers["range"] = `bytes=${start}-`;
    // Registries need not give manifests where they give other blobs.
    if (isOfImage(mediaType)) headers["accept"] = acceptManifest;
    const path = `${isOfImage(mediaType) ? "manifests" : "blobs"}/${digest}`;
    const request = { registry, repository, path, headers, authorization };
    const opened = createDeadline(signal);
    try {
      const response = await this.#answerTo({ ...request, method: "GET" }, opened);
      const skip = await skipBefore(response, { digest, start });
      const length = lengthOf(response);
      // A shorter one is gone on with; a longer one is another blob, as none need read to tell.
      if (length !== undefined && length > size) {
        response.body.destroy();
        throw new BlobSizeError(size, length);
      }
      const { stallMs, nowMs } = this.#waits;
      const what = `blob ${digest}`;
      yield* chunksWithin(response.body, { skip, stallMs, floor, nowMs, signal, what });
    } finally {
      opened[Symbol.dispose]();
    }
  }

  /** An informational answer (1xx), of which there may be any number, is none. */
  async #answerTo(request: RegistryRequest, opened: Deadline): Promise<HttpResponse> {
    const { answerMs } = this.#waits;
    const late = new UnavailableError(`Cannot ask ${request.registry}: it does not answer in time`);
    const timer = setTimeout(() => opened.abort(late), answerMs);
    try {
      return await this.#client.request(request, opened);
    } finally {
      clearTimeout(timer);
    }
  }

  async #manifestBody(
    response: HttpResponse,
    reference: ImageReference,
    { signal }: Cancellable,
  ): Promise<Buffer> {
    if (response.statusCode === 200) {
      return readBounded(response, { lengthMax: manifestLengthMax, signal });
    }
    await discardBody(response);
    const name = formatImageReference(reference);
    if (response.statusCode === 404) throw new ImageNotFoundError(name);
    throw new UnavailableError(`Cannot get manifest of ${name}: status ${response.statusCode}`);
  }
}

/** Bytes to drop at the start of the body: a registry may ignore Range and begin anew. */
async function skipBefore(
  response: HttpResponse,
  { digest, start }: { readonly digest: Digest; readonly start: number },
): Promise<number> {
  const { statusCode, headers } = response;
  if (statusCode === 200) return start;
  const range = headers["content-range"];
  if (statusCode === 206 && start > 0 && String(range).startsWith(`bytes ${start}-`)) return 0;
  await discardBody(response);
  if (statusCode === 404) throw new BlobNotFoundError(digest);
  throw new UnavailableError(`Cannot get blob ${digest}: status ${statusCode}`);
}

/** How long the blob is, if the registry says so with what it gives of it. */
function lengthOf({ statusCode, headers }: HttpResponse): number | undefined {
  const total = /\/([0-9]+)$/.exec(String(headers["content-range"]))?.[1];
  const text = statusCode === 206 ? total : headers["content-length"];
  return typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined;
}

/** What a HEAD tells, if it tells all of it and nothing odd. */
function descriptorIn(head: HttpResponse, expected: Digest | undefined): Descriptor | undefined {
  const named = head.headers["docker-content-digest"];
  const size = Number(head.headers["content-length"]);
  const mediaType = contentTypeOf(head);
  if (typeof named !== "string" || !isOfImage(mediaType) || !Number.isSafeInteger(size)) {
    return undefined;
  }
  if (size < 1 || size > manifestLengthMax) return undefined;
  try {
    const digest = parseDigest(named);
    return expected === undefined || digest === expected ? { mediaType, digest, size } : undefined;
  } catch {
    return undefined;
  }
}

function isOfImage(mediaType: string): boolean {
  return isManifest(mediaType) || isIndex(mediaType);
}

function mediaTypeIn(body: Uint8Array, reference: ImageReference): string {
  try {
    return mediaTypeOfManifest(body);
  } catch (cause) {
    const name = formatImageReference(reference);
    throw new UnavailableError(`Cannot get manifest of ${name}: it is none of an image`, { cause });
  }
}

function contentTypeOf(response: HttpResponse): string {
  const header = response.headers["content-type"];
  return typeof header === "string" ? (header.split(";", 1)[0]?.trim() ?? "") : "";
}

function checkDigest(digest: Digest, body: Uint8Array): void {
  const algorithm = algorithmOf(digest);
  const actual = digestFromHash(createHash(algorithm).update(body), algorithm);
  if (actual !== digest) throw new DigestMismatchError(digest, actual);
}
