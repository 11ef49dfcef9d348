import { createDeadline } from "../../core/async/deadline.ts";
import { pause } from "../../core/async/pause.ts";
import type { Credential } from "../../core/credential.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import {
  BlobNotFoundError,
  InvalidArgumentError,
  UnavailableError,
  codeOf,
} from "../../core/errors.ts";
import {
  manifestLengthMax,
  mediaTypeOfManifest,
  parseImageManifest,
} from "../../core/image-manifest.ts";
import type { BlobReader, BlobRecord, BlobWriter } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { Origin, Repository } from "../../core/ports/origin.ts";
import type { TagResolver } from "../../core/ports/tag-resolver.ts";
import { isFetchable } from "../arrivals.ts";
import type { Provenance } from "../provenance/provenance.ts";
import { readBlob } from "../read-blob.ts";
import type { BlobSupply } from "./blob-supply.ts";
import { Patience } from "./patience.ts";

/**
 * How long a manifest from the registry waits for its place in the store. Its client is in the
 * middle of a pull, and goes on to the registry itself: to write, offer and publish meanwhile takes
 * a processor from it, and twice what the answer took.
 */
const storeDelayMs = 1000;

/** Bytes of manifests that wait: those of many pulls. More of them are not waited with. */
const waitingBytesMax = 8 * 1024 * 1024;

/** What a {@link ManifestSupply} works with. */
export interface ManifestSupplyDeps {
  readonly store: Pick<BlobReader, "find" | "read"> & Pick<BlobWriter, "openIngest">;
  readonly blobs: Pick<BlobSupply, "open">;
  readonly origin: Pick<Origin, "blob">;
  readonly resolver: TagResolver;
  readonly provenance: Provenance;
  readonly logger: Logger;
  /** How long the swarm may take: the registry needs its time, too. */
  readonly swarmTimeoutMs: number;
  /** Told of a manifest that came from the registry and is in the store now. */
  readonly onStored: (record: BlobRecord) => void;
}

/** A manifest or index, checked. */
export interface SuppliedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A manifest that somebody wants, and in whose name a registry may be asked for it. */
export interface WantedManifest extends Repository {
  readonly digest: Digest;
  readonly authorization?: Credential | undefined;
}

/**
 * Gives manifests: from the store, the swarm, or the registry itself, for they are small, and
 * without one nothing is known of the blobs that come next.
 */
export class ManifestSupply implements AsyncDisposable {
  readonly #deps: ManifestSupplyDeps;
  readonly #stop = new AbortController();
  readonly #storing = new Set<Promise<void>>();
  /** What is not in the store yet. */
  readonly #waiting = new Map<Digest, Uint8Array>();
  #waitingBytes = 0;

  constructor(deps: ManifestSupplyDeps) {
    this.#deps = deps;
  }

  /**
   * The manifest of that digest.
   *
   * @throws {BlobNotFoundError} when it can be had nowhere, or is none that we know.
   * @throws {AccessDeniedError} {UnavailableError} when the registry refuses, or is down.
   */
  async get(wanted: WantedManifest, { signal }: Cancellable): Promise<SuppliedManifest> {
    const { digest } = wanted;
    if (!isFetchable(digest)) throw new BlobNotFoundError(digest);
    const bytes =
      (await this.#fromSwarm(wanted, { signal })) ?? (await this.#fromRegistry(wanted, { signal }));
    try {
      const mediaType = mediaTypeOfManifest(bytes);
      this.#deps.provenance.learnChildren(digest, parseImageManifest(bytes));
      return { digest, mediaType, bytes };
    } catch (error) {
      // One of another kind is between the client and its registry.
      if (error instanceof InvalidArgumentError)
        throw new BlobNotFoundError(digest, { cause: error });
      throw error;
    }
  }

  /** Stores what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#storing);
  }

  async #fromSwarm(
    wanted: WantedManifest,
    { signal }: Cancellable,
  ): Promise<Uint8Array | undefined> {
    const { store, blobs, logger, swarmTimeoutMs } = this.#deps;
    const { digest } = wanted;
    const record = store.find(digest);
    if (record?.provenance === "local") throw new BlobNotFoundError(digest);
    if (record?.whole && record.size <= manifestLengthMax)
      return readBlob(store, record, { signal });
    const waiting = this.#waiting.get(digest);
    if (waiting) return waiting;
    const deadline = createDeadline(signal, swarmTimeoutMs);
    const patience = new Patience({ windowMs: swarmTimeoutMs });
    try {
      const blob = await blobs.open(wanted, { patience, signal: deadline.signal });
      try {
        if (blob.size > manifestLengthMax) return undefined;
        const chunks: Uint8Array[] = [];
        for await (const chunk of blob.read(
          { start: 0, end: blob.size },
          { isPart: false, signal: deadline.signal },
        )) {
          chunks.push(Buffer.from(chunk));
        }
        return Buffer.concat(chunks);
      } finally {
        await blob[Symbol.asyncDispose]();
      }
    } catch (error) {
      signal.throwIfAborted();
      logger.debug("the swarm does not give a manifest", { digest, code: codeOf(error) });
      return undefined;
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async #fromRegistry(wanted: WantedManifest, { signal }: Cancellable): Promise<Uint8Array> {
    const { origin } = this.#deps;
    const { digest, registry, repository, authorization } = wanted;
    const descriptor = await this.#describe(wanted, { signal });
    if (descriptor.size > manifestLengthMax) throw new BlobNotFoundError(digest);
    const chunks: Uint8Array[] = [];
    const options = { start: 0, authorization, signal };
    for await (const chunk of origin.blob({ registry, repository, descriptor }, options)) {
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) !== digest) {
      throw new UnavailableError(`Cannot get manifest ${digest}: ${registry} gives another one`);
    }
    const storing = this.#storeLater(digest, bytes).finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
    return bytes;
  }

  async #describe(
    { digest, registry, repository, authorization }: WantedManifest,
    { signal }: Cancellable,
  ): Promise<Descriptor> {
    const { provenance, resolver } = this.#deps;
    const { size, mediaType } = provenance.find(digest) ?? {};
    if (size !== undefined && mediaType !== undefined) return { digest, size, mediaType };
    const reference = { registry, repository, digest };
    const { descriptor } = await resolver.resolve(reference, { authorization, signal });
    return descriptor;
  }

  /** Never rejects: the client has it, whether we keep it or not. */
  async #storeLater(digest: Digest, bytes: Uint8Array): Promise<void> {
    if (this.#waiting.has(digest)) return;
    const size = bytes.byteLength;
    this.#waiting.set(digest, bytes);
    this.#waitingBytes += size;
    try {
      const isRoom = this.#waitingBytes <= waitingBytesMax;
      await pause(isRoom ? storeDelayMs : 0, this.#stop.signal).catch(() => undefined);
      // containerd may have written it itself, where it has our content store, too.
      if (this.#deps.store.find(digest) === undefined) await this.#store(digest, bytes);
    } finally {
      this.#waiting.delete(digest);
      this.#waitingBytes -= size;
    }
  }

  async #store(digest: Digest, bytes: Uint8Array): Promise<void> {
    const { store, logger, onStored } = this.#deps;
    const size = bytes.byteLength;
    try {
      const ingest = await store.openIngest(`mirror-${digest}`, { total: size });
      try {
        ingest.expect(size);
        if (ingest.status.offset > 0) await ingest.truncate();
        await ingest.write(bytes);
        const labels = {};
        const options = {
          expected: digest,
          size,
          labels,
          provenance: "pull",
          owned: false,
        } as const;
        onStored(await ingest.commit(options));
      } finally {
        await ingest.close();
      }
    } catch (error) {
      logger.debug("cannot keep a manifest", { digest, code: codeOf(error) });
    }
  }
}
