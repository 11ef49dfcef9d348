import { LRUCache } from "lru-cache";

import { type Digest, isDigest } from "../core/digest.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import type { StateFile } from "./state-file.ts";

/** Blobs that are remembered, those that left the disk among them: some 300 bytes each. */
const blobsMax = 100_000;

/** What {@link KnownBlobs} works with. */
export interface KnownBlobsDeps {
  readonly file: StateFile;
  readonly clock: Clock;
}

interface KnownBlob extends OriginBlob {
  /** Milliseconds since the Unix epoch. */
  readonly usedAtMs: number;
}

/**
 * Where blobs came from, learnt from the manifests of preheated images, so that one that
 * left the disk can be fetched again; and when they were last asked for. Kept in a file,
 * whose loss costs no more than that.
 */
export class KnownBlobs {
  readonly #file: StateFile;
  readonly #clock: Clock;
  readonly #blobs = new LRUCache<Digest, KnownBlob>({ max: blobsMax });

  private constructor({ file, clock }: KnownBlobsDeps) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Reads what was kept; lines that are damaged are left out. */
  static async open(deps: KnownBlobsDeps): Promise<KnownBlobs> {
    const known = new KnownBlobs(deps);
    const lines = (await deps.file.read()).split("\n");
    for (const blob of lines.map(parseLine)) {
      if (blob) known.#blobs.set(blob.descriptor.digest, blob);
    }
    return known;
  }

  /** The blob, and the repository that it may be had from. */
  find(digest: Digest): OriginBlob | undefined {
    return this.#blobs.peek(digest);
  }

  /** Notes a blob, as one that was asked for now. */
  add({ registry, repository, descriptor }: OriginBlob): void {
    const { mediaType, digest, size } = descriptor;
    const blob = { registry, repository, descriptor: { mediaType, digest, size } };
    this.#blobs.set(digest, { ...blob, usedAtMs: this.#nowMs() });
  }

  /** Notes what is told of a blob that nobody has checked: it does not replace one of another size. */
  hear(blob: OriginBlob): void {
    const { digest, size } = blob.descriptor;
    const known = this.#blobs.peek(digest);
    if (known && known.descriptor.size !== size) this.touch(digest);
    else this.add(blob);
  }

  /** Notes that somebody asked for the blob. */
  touch(digest: Digest): void {
    const blob = this.#blobs.get(digest);
    if (blob) this.#blobs.set(digest, { ...blob, usedAtMs: this.#nowMs() });
  }

  /** When it was last asked for, or stored if that is not known: nanoseconds since the Unix epoch. */
  lastUseOf({ digest, updatedAt }: Pick<BlobRecord, "digest" | "updatedAt">): bigint {
    const blob = this.#blobs.peek(digest);
    return blob ? BigInt(blob.usedAtMs) * 1_000_000n : updatedAt;
  }

  /** Writes the file anew, the least recently used first. Never rejects. */
  async save(): Promise<void> {
    await this.#file.replace(() =>
      [...this.#blobs.values()]
        .reverse()
        .map((blob) => JSON.stringify(blob))
        .join("\n"),
    );
  }

  #nowMs(): number {
    return Number(this.#clock.now() / 1_000_000n);
  }
}

function parseLine(line: string): KnownBlob | undefined {
  try {
    const { registry, repository, descriptor, usedAtMs } = JSON.parse(line) as Partial<KnownBlob>;
    if (typeof registry !== "string" || typeof repository !== "string") return undefined;
    if (!descriptor || !isDigest(descriptor.digest)) return undefined;
    const { mediaType, digest, size } = descriptor;
    if (typeof mediaType !== "string" || !isCount(size) || !isCount(usedAtMs)) return undefined;
    return { registry, repository, descriptor: { mediaType, digest, size }, usedAtMs };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
