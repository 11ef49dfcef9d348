import { createDeadline } from "../core/async/deadline.ts";
import { pause } from "../core/async/pause.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { BlobNotFoundError, StorageFullError, UnavailableError, codeOf } from "../core/errors.ts";
import { blobSizeMax } from "../core/piece-layout.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import type { DescribingOrigin } from "../core/ports/origin.ts";
import type { BlobArrival } from "./blob-arrival.ts";
import type { BlobCache } from "./blob-cache.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import { type ColdPlace, type ColdRequest, isNamedBy, placesOf } from "./cold-request.ts";
import type { GrowingSeeds } from "./growing-seeds.ts";
import type { KnownBlobs } from "./known-blobs.ts";
import type { OriginTable } from "./origins/origin-table.ts";

/** What {@link runColdFetch} works with. */
export interface ColdRunDeps {
  readonly cache: Pick<BlobCache, "arrivalOf" | "begin" | "isQueued" | "obtain">;
  readonly origin: Pick<DescribingOrigin, "describe"> & Pick<OriginTable, "lists">;
  readonly known: Pick<KnownBlobs, "add" | "find" | "touch">;
  readonly growing: Pick<GrowingSeeds, "add">;
}

/** What came of a request so far. */
export interface ColdOutcome {
  /** `arriving`: the origin gives it, and others may read along. */
  readonly state: "whole" | "arriving";
  readonly size: number;
}

type ColdRunOptions = ColdRunDeps &
  Cancellable & { readonly onOutcome: (outcome: ColdOutcome) => void };

type FetchOptions = ColdRunOptions & { readonly request: ColdRequest };

/** Smaller blobs are here sooner than a swarm would form. */
const growingSizeMin = 512 * 1024;

/** Milliseconds in which a fetch that need not wait for its turn has begun. */
const queuedAfterMs = 100;

/** Milliseconds after which to ask again what cannot be told yet. */
export const retryAfterMs = 1000;

/** Whether others may have a blob of that size while it arrives. */
export function isGrowing({ size }: Pick<Descriptor, "size">): boolean {
  return size >= growingSizeMin && size <= blobSizeMax;
}

/** What a node is told that did not name the registry which gives the blob now: it may ask its own. */
export function arrivesElsewhere(digest: Digest): UnavailableError {
  const message = `Cannot tell yet whether blob ${digest} is right: another registry gives it`;
  return new UnavailableError(message, { retryAfterMs });
}

/**
 * Fetches a blob from the first place that gives it, and gives its pieces to peers meanwhile.
 *
 * @param options `onOutcome`: told as soon as there is something to tell, and again at the end.
 * @throws {BlobNotFoundError} when no place has it.
 * @throws {AccessDeniedError} when one refuses and the others have it not.
 * @throws {StorageFullError} when there is no room for it.
 * @throws {UnavailableError} when one cannot be asked, or gives something else, or another
 *   registry gives it now, whose word is not good for those who ask.
 */
export async function runColdFetch(request: ColdRequest, options: ColdRunOptions): Promise<void> {
  const { known, signal } = options;
  const failures: unknown[] = [];
  let isElsewhere = false;
  for (const place of placesOf(request, known.find(request.digest))) {
    try {
      const descriptor = await describe(request, place, options);
      if (await fetchFrom({ ...place, descriptor }, { ...options, request })) return;
      isElsewhere = true;
      break;
    } catch (error) {
      signal.throwIfAborted();
      // No other place makes room, nor mends what is broken here.
      if (error instanceof StorageFullError || codeOf(error) === "internal") throw error;
      failures.push(error);
    }
  }
  throw isElsewhere ? arrivesElsewhere(request.digest) : verdictOf(request.digest, failures);
}

/** Asks the origin for what neither the node nor we know of the blob, or know otherwise. */
async function describe(
  request: ColdRequest,
  place: ColdPlace,
  { known, origin, signal }: ColdRunOptions,
): Promise<Descriptor> {
  const { digest } = request;
  const remembered = known.find(digest)?.descriptor;
  const size = remembered?.size ?? request.size;
  // Both may be the word of a manifest, and only one of them can be right.
  const isDisputed = request.size !== undefined && request.size !== size;
  const mediaType = remembered?.mediaType ?? request.mediaType;
  if (size !== undefined && mediaType !== undefined && !isDisputed) {
    return { mediaType, digest, size };
  }
  const { authorization, ...repository } = place;
  const described = await origin.describe({ ...repository, digest }, { authorization, signal });
  return { ...described, size: isDisputed ? described.size : (size ?? described.size) };
}

/** Whether it is here then; else another registry gives it now, whose word is not good for who asks. */
async function fetchFrom(blob: OriginBlob, options: FetchOptions): Promise<boolean> {
  const { cache, known, origin, onOutcome, request, signal } = options;
  const { registry, repository, descriptor } = blob;
  const isOther = ({ descriptor: { size } }: BlobArrival) => size !== descriptor.size;
  const isNamed = (arrival: BlobArrival) => isNamedBy(request, arrival.registry, origin);
  let begun = await begin(blob, options);
  try {
    // Another request may have said another size: one of the two is about to fail, and none joins.
    while (begun && isOther(begun.arrival) && isNamed(begun.arrival)) {
      begun[Symbol.dispose]();
      await begun.arrival.ended({ signal });
      begun = await begin(blob, options);
    }
    if (begun && isGrowing(descriptor)) {
      const { arrival } = begun;
      if (isNamed(arrival)) {
        options.growing.add(arrival);
        onOutcome({ state: "arriving", size: descriptor.size });
      } else if (arrival.registry !== registry) return false;
    }
    const { size } = await cache.obtain(blob, { onBytes: () => undefined, signal });
    known.add({ registry, repository, descriptor: { ...descriptor, size } });
    onOutcome({ state: "whole", size });
    return true;
  } finally {
    begun?.[Symbol.dispose]();
  }
}

/** Waits for the first bytes; `undefined` when all of the blob is here. */
async function begin(
  blob: OriginBlob,
  options: FetchOptions,
): Promise<(Disposable & { readonly arrival: BlobArrival }) | undefined> {
  const begun = createDeadline(options.signal);
  const telling = tellAhead(blob, { ...options, signal: begun.signal });
  try {
    const result = await options.cache.begin(blob, options);
    return "arrival" in result ? result : undefined;
  } finally {
    begun.abort();
    begun[Symbol.dispose]();
    await telling;
  }
}

/**
 * Of a blob that must wait for its turn the origin is asked whether it would give it, and a
 * node told so: it would not wait itself, and fetch the blob a second time. Never rejects.
 */
async function tellAhead(blob: OriginBlob, options: FetchOptions): Promise<void> {
  const { cache, origin, onOutcome, request, signal } = options;
  const { authorization, registry, repository, descriptor } = blob;
  const { digest, size } = descriptor;
  try {
    await pause(queuedAfterMs, signal);
    if (!cache.isQueued(digest) || !isGrowing(descriptor)) return;
    const giver = cache.arrivalOf(digest)?.registry;
    if (giver === undefined || !isNamedBy(request, giver, origin)) return;
    const described = await origin.describe(
      { registry, repository, digest },
      { authorization, signal },
    );
    if (described.size === size) onOutcome({ state: "arriving", size });
  } catch {
    // The fetch itself tells why.
  }
}

/** What is told where several places fail: what may still change comes first. */
function verdictOf(digest: Digest, failures: readonly unknown[]): unknown {
  const isOf = (error: unknown, code: string) => codeOf(error) === code;
  const other = failures.find(
    (error) => !isOf(error, "not_found") && !isOf(error, "permission_denied"),
  );
  if (other !== undefined) {
    return new UnavailableError(`Cannot fetch blob ${digest} from its origin`, { cause: other });
  }
  const denied = failures.find((error) => isOf(error, "permission_denied"));
  return denied ?? new BlobNotFoundError(digest);
}
