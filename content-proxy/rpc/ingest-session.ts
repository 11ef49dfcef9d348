import type { Digest } from "../../core/digest.ts";
import {
  BlobExistsError,
  BlobSizeError,
  DigestMismatchError,
  IngestNotFoundError,
  InvalidArgumentError,
  OffsetError,
} from "../../core/errors.ts";
import type {
  BlobManager,
  BlobReader,
  BlobRecord,
  BlobWriter,
  Ingest,
  Labels,
} from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { BlobFetcher, PulledBlob } from "../blob-fetcher.ts";
import { isImportedManifest } from "./imported-manifest.ts";
import { type PullRef, parsePullRef } from "./pull-ref.ts";

/** One message of a Write stream. */
export interface IngestRequest {
  readonly action: "stat" | "write" | "commit";
  /** Which ingest; only looked at in the first message. */
  readonly ref: string;
  /** Length that the blob will have; 0 when not told. */
  readonly total: number;
  readonly expected: Digest | undefined;
  /** Where `data` goes; 0 also means: from the start. */
  readonly offset: number;
  readonly data: Uint8Array;
  readonly labels: Labels;
}

/** The answer to an {@link IngestRequest}. */
export interface IngestReply {
  readonly action: IngestRequest["action"];
  readonly startedAt: bigint;
  readonly updatedAt: bigint;
  readonly offset: number;
  readonly total: number;
  readonly digest: Digest;
}

/** What an {@link IngestSession} works with. */
export interface IngestSessionDeps {
  readonly store: BlobWriter & Pick<BlobReader, "find"> & Pick<BlobManager, "anticipate">;
  readonly fetcher: Pick<BlobFetcher, "obtain" | "commit" | "expectCommit" | "written">;
  readonly clock: Clock;
}

/** Whether the swarm has been asked for the blob of this stream, and what it said. */
type Pull = "not asked" | "next stat asks" | "obtained" | "declined";

/**
 * One Write stream of containerd: an ingest that is held from the first message to the
 * end of the stream.
 *
 * The first STAT is answered at once, for containerd waits for it inside its database
 * lock. The second is outside of every lock and comes before containerd asks the
 * registry. There we ask the swarm, if the ref is one of a pull; if it has the blob,
 * containerd is told that all bytes are here, and sends COMMIT.
 *
 * @see containerd plugins/services/content/contentserver/contentserver.go, core/remotes/handlers.go
 */
export class IngestSession {
  readonly #deps: IngestSessionDeps;
  #ingest: Ingest | undefined;
  #pullRef: PullRef | undefined;
  #pull: Pull = "not asked";
  /** Keeps what was obtained until the stream ends: COMMIT may take its time. */
  #hold: Disposable | undefined;
  #total = 0;
  #expected: Digest | undefined;

  constructor(deps: IngestSessionDeps) {
    this.#deps = deps;
  }

  /** Takes the next message, one at a time. After a failure there is none. */
  async handle(request: IngestRequest, options: Cancellable): Promise<IngestReply> {
    const ingest = this.#ingest ?? (await this.#open(request));
    await this.#note(request, ingest);
    switch (request.action) {
      case "stat":
        return this.#stat(ingest, options);
      case "write":
        return this.#write(request, ingest);
      case "commit":
        return this.#commit(request, ingest);
    }
  }

  /** Lets go of the ref; what was not committed can be resumed. Idempotent. */
  async close(): Promise<void> {
    this.#letGo();
    await this.#ingest?.close();
  }

  #letGo(): void {
    this.#hold?.[Symbol.dispose]();
    this.#hold = undefined;
  }

  async #open({ ref, total, expected }: IngestRequest): Promise<Ingest> {
    if (ref === "") throw new InvalidArgumentError("Cannot write: the first message has no ref");
    if (expected && this.#isOwned(expected)) throw new BlobExistsError(expected);
    this.#ingest = await this.#deps.store.openIngest(ref, { total });
    this.#pullRef = parsePullRef(ref);
    return this.#ingest;
  }

  /** What later messages say of size and digest takes the place of what earlier ones said. */
  async #note({ action, total, expected }: IngestRequest, ingest: Ingest): Promise<void> {
    if (total > 0) this.#total = total;
    // A COMMIT may be of the wrong size; the ingest that it leaves behind is not.
    if (action !== "commit") ingest.expect(total);
    if (!expected) return;
    this.#expected = expected;
    if (!this.#isOwned(expected)) return;
    await ingest.abort();
    throw new BlobExistsError(expected);
  }

  async #stat(ingest: Ingest, { signal }: Cancellable): Promise<IngestReply> {
    const blob = this.#pulledBlob(ingest);
    if (this.#pull === "next stat asks" && blob) {
      this.#hold = await this.#deps.fetcher.obtain(blob, { signal });
      signal.throwIfAborted();
      const isObtained = this.#hold && (await this.#anticipate(blob.digest));
      this.#pull = isObtained ? "obtained" : "declined";
      // containerd fetches it now: the swarm's download is for nobody, and ends when nobody claims it.
      if (!isObtained) this.#letGo();
    } else if (this.#pull === "not asked") this.#pull = "next stat asks";
    return this.#reply("stat", ingest);
  }

  /**
   * COMMIT comes inside containerd's database lock: the wait for the disk is now. What cannot
   * be noted, because the disk is full, containerd gets itself when there is room.
   */
  async #anticipate(digest: Digest): Promise<boolean> {
    try {
      await this.#deps.store.anticipate(digest);
      return true;
    } catch {
      return false;
    }
  }

  async #write(request: IngestRequest, ingest: Ingest): Promise<IngestReply> {
    await this.#append(request, ingest);
    const { offset, total } = ingest.status;
    if (this.#pullRef && total > 0 && offset === total) {
      const { digest, kind } = this.#pullRef;
      if (request.data.byteLength === total && this.#isImport(kind, request.data)) {
        this.#pullRef = undefined;
      } else {
        this.#deps.fetcher.expectCommit(digest);
        await ingest.prepare(digest);
      }
    }
    return this.#reply("write", ingest);
  }

  async #commit(request: IngestRequest, ingest: Ingest): Promise<IngestReply> {
    if (this.#pull === "obtained" && request.data.byteLength === 0) {
      return this.#commitObtained(request, ingest);
    }
    await this.#append(request, ingest);
    const expected = this.#expected;
    const isPull = (expected ?? ingest.digest()) === this.#pullRef?.digest;
    const record = await ingest.commit({
      ...(expected && { expected }),
      size: this.#total,
      labels: request.labels,
      provenance: isPull ? "pull" : "local",
      owned: true,
    });
    if (isPull && this.#pullRef) this.#deps.fetcher.written(record, this.#pullRef.kind);
    return committed(record, ingest);
  }

  /** The offset is the one of the first STAT, which is not where the blob ends. */
  async #commitObtained({ labels }: IngestRequest, ingest: Ingest): Promise<IngestReply> {
    const blob = this.#pulledBlob(ingest);
    if (!blob) throw new InvalidArgumentError("Cannot commit: the size is not known any more");
    if (this.#total !== blob.size) throw new BlobSizeError(this.#total, blob.size);
    if (this.#expected && this.#expected !== blob.digest) {
      throw new DigestMismatchError(this.#expected, blob.digest);
    }
    if (!ingest.isOpen) throw new IngestNotFoundError(ingest.status.ref);
    try {
      const record = await this.#deps.fetcher.commit(blob.digest, labels, blob);
      await ingest.abort();
      return committed(record, ingest);
    } catch (error) {
      if (error instanceof BlobExistsError) await ingest.abort();
      throw error;
    }
  }

  /** Puts the message's data where it belongs; without data only the offset is looked at. */
  async #append({ offset, data }: IngestRequest, ingest: Ingest): Promise<void> {
    const obtained = this.#pull === "obtained" && data.byteLength === 0;
    const current = ingest.status.offset;
    if (offset < 0 || (offset > 0 && offset !== current && !obtained)) {
      throw new OffsetError(offset, String(current));
    }
    if (obtained) return;
    // What arrives is written, whatever the swarm said before, and it is not asked again.
    this.#pull = "declined";
    if (offset === 0 && current > 0) await ingest.truncate();
    if (data.byteLength > 0) await ingest.write(data);
  }

  #reply(action: IngestRequest["action"], ingest: Ingest): IngestReply {
    const { startedAt, updatedAt, offset } = ingest.status;
    const blob = this.#pull === "obtained" ? this.#pulledBlob(ingest) : undefined;
    if (blob) {
      const { size, digest } = blob;
      const now = this.#deps.clock.now();
      return { action, startedAt, updatedAt: now, offset: size, total: size, digest };
    }
    const total = this.#total > 0 ? this.#total : ingest.status.total;
    return { action, startedAt, updatedAt, offset, total, digest: ingest.digest() };
  }

  /** What to ask the swarm for; `undefined` when it is no pull, or all bytes are here. */
  #pulledBlob(ingest: Ingest): PulledBlob | undefined {
    const { total, offset } = ingest.status;
    if (!this.#pullRef || total <= 0 || offset >= total) return undefined;
    return { ...this.#pullRef, size: total };
  }

  /** An import writes a manifest in one message. */
  #isImport(kind: PullRef["kind"], bytes: Uint8Array): boolean {
    return (kind === "manifest" || kind === "index") && isImportedManifest(bytes, this.#deps.store);
  }

  #isOwned(digest: Digest): boolean {
    return this.#deps.store.find(digest)?.owned === true;
  }
}

function committed(record: BlobRecord, { status: { startedAt } }: Ingest): IngestReply {
  const { size, digest, updatedAt } = record;
  return { action: "commit", startedAt, updatedAt, offset: size, total: size, digest };
}
