import { abortable } from "../core/async/deadline.ts";
import type { Credential } from "../core/credential.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { codeOf } from "../core/errors.ts";
import { manifestLengthMax, parseImageManifest } from "../core/image-manifest.ts";
import { type Platform, platformMatches } from "../core/platform.ts";
import type { BlobReader, BlobRecord } from "../core/ports/blob-store.ts";
import type { Arrival } from "./arrival.ts";
import type { PulledBlob } from "./blob-fetcher.ts";
import { FetchLine, type FetchLineDeps } from "./fetch-line.ts";
import type { Provenance } from "./provenance/provenance.ts";
import { readBlob } from "./read-blob.ts";

/** Manifests of one index that are followed: one, or a few that differ by variant. */
const followedMax = 4;

/** What {@link Prefetch} works with. */
export interface PrefetchDeps extends FetchLineDeps {
  readonly store: Pick<BlobReader, "find" | "read">;
  /** Told what the manifests name. */
  readonly provenance: Pick<Provenance, "learnChildren">;
  /** The platform whose manifest is followed out of an index. */
  readonly platform: Platform;
}

/** How a manifest is followed. */
interface FollowOptions {
  readonly authorization: Credential | undefined;
  /** An index named it. */
  readonly isNested: boolean;
}

/**
 * Reads the manifests that pass through, and starts to get what they name before
 * the client asks: the blobs of this node's platform, in the order of the manifest.
 */
export class Prefetch implements AsyncDisposable {
  readonly #deps: PrefetchDeps;
  readonly #stop = new AbortController();
  readonly #followed = new Set<Promise<void>>();
  readonly #line: FetchLine;

  constructor(deps: PrefetchDeps) {
    this.#deps = deps;
    this.#line = new FetchLine(deps);
  }

  /** Takes note of a whole blob of a pull; only manifests and indexes are looked into. */
  manifestSeen(record: BlobRecord, kind: PulledBlob["kind"]): void {
    if (kind !== "manifest" && kind !== "index") return;
    if (record.size > manifestLengthMax) return;
    const read = () => readBlob(this.#deps.store, record, this.#stop);
    this.#begin(record.digest, read, undefined);
  }

  /**
   * Takes note of a manifest that a client of the mirror gets; it need not be in the store yet.
   *
   * @param options `authorization`: of that client, for what the manifest names.
   */
  manifestGiven(
    { digest, bytes }: { readonly digest: Digest; readonly bytes: Uint8Array },
    { authorization }: { readonly authorization: Credential | undefined },
  ): void {
    this.#begin(digest, async () => bytes, authorization);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#followed, this.#line[Symbol.asyncDispose]()]);
  }

  #begin(
    digest: Digest,
    read: () => Promise<Uint8Array>,
    authorization: Credential | undefined,
  ): void {
    if (this.#stop.signal.aborted) return;
    const options = { authorization, isNested: false };
    const following = this.#follow(digest, read, options).finally(() =>
      this.#followed.delete(following),
    );
    this.#followed.add(following);
  }

  /** Never rejects: a manifest that we cannot read is containerd's to judge. */
  async #follow(
    digest: Digest,
    read: () => Promise<Uint8Array>,
    options: FollowOptions,
  ): Promise<void> {
    try {
      const manifest = parseImageManifest(await read());
      this.#deps.provenance.learnChildren(digest, manifest);
      if (manifest.kind === "manifest") {
        for (const blob of [manifest.config, ...manifest.layers]) {
          this.#fetchAhead(blob, options);
        }
        return;
      }
      // Nobody nests indexes, but somebody may try how deep we go.
      if (options.isNested) return;
      const ours = manifest.manifests.filter(
        ({ platform }) => platform && platformMatches(platform, this.#deps.platform),
      );
      for (const { descriptor } of ours.slice(0, followedMax)) {
        await this.#followManifest(descriptor, options);
      }
    } catch (error) {
      this.#deps.logger.debug("cannot fetch ahead", { digest, code: codeOf(error) });
    }
  }

  async #followManifest(descriptor: Descriptor, options: FollowOptions): Promise<void> {
    const arrival = this.#fetchAhead(descriptor, options);
    if (arrival) await abortable(arrival.settled(), this.#stop.signal);
    const record = this.#deps.store.find(descriptor.digest);
    if (record?.whole && record.size <= manifestLengthMax) {
      const read = () => readBlob(this.#deps.store, record, this.#stop);
      await this.#follow(record.digest, read, { ...options, isNested: true });
    }
  }

  #fetchAhead({ digest, size }: Descriptor, { authorization }: FollowOptions): Arrival | undefined {
    return this.#line.add({ digest, size, authorization });
  }
}
