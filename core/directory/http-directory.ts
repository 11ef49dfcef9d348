import { LRUCache } from "lru-cache";

import { createDeadline } from "../async/deadline.ts";
import type { Digest } from "../digest.ts";
import { HttpClient } from "../http/http-client.ts";
import { type Metainfo, metainfoLengthMax } from "../metainfo.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { Directory, DirectoryEntry } from "../ports/directory.ts";
import type { Logger } from "../ports/logger.ts";
import type { SourceReport } from "../service-status.ts";
import { DirectoryService } from "./directory-service.ts";
import { type LookupBounds, raceLookups } from "./lookup-race.ts";
import { PublishQueue } from "./publish-queue.ts";

/** What {@link HttpDirectory} works with. */
export interface HttpDirectoryDeps {
  /** Base URLs, without a slash at their ends. Asked, and published to. */
  readonly trackers: readonly string[];
  /** Base URLs. Asked, and trusted to name web seeds. */
  readonly seeders: readonly string[];
  readonly logger: Logger;
  /** How long a look-up may take, in milliseconds. */
  readonly lookupTimeoutMs: number;
  /** How long one is waited for that failed the last time, in milliseconds; 50 when left out. */
  readonly shortTimeoutMs?: number;
  /** How long a tracker is waited for when others have answered, in milliseconds; 250 when left out. */
  readonly graceMs?: number;
  /** Secret that the trackers want of publishers. */
  readonly publishToken?: string;
}

/**
 * Milliseconds that a service which failed the last time is given: in a data centre it
 * answers in 5 when it is back, and a pull does not feel it.
 */
const shortTimeoutDefaultMs = 50;

/**
 * Milliseconds that a tracker has when others have answered: many round trips between
 * continents, and a pull hardly feels one that is gone. It has more when it is known to be slow.
 */
const graceDefaultMs = 250;

/** Connections to one service: the blobs of an image are looked up at once. */
const connectionsMax = 8;

/** Blobs that are published again after a restart of a tracker; more find their way by look-ups. */
const holdingsMax = 20_000;

/** Memory for their metainfo: 20 bytes for each piece. */
const holdingsBytesMax = 32 * 1024 * 1024;

/** Memory of a holding beside its piece hashes. */
const overheadBytes = 500;

/** The directory as trackers and seeders tell it over HTTP. */
export class HttpDirectory implements Directory, AsyncDisposable {
  readonly #services: readonly DirectoryService[];
  readonly #queues: readonly PublishQueue[];
  readonly #client: HttpClient;
  readonly #bounds: LookupBounds;
  readonly #holdings = new LRUCache<Digest, Metainfo>({
    max: holdingsMax,
    maxSize: holdingsBytesMax,
    sizeCalculation: (metainfo) => metainfo.pieceHashes.byteLength + overheadBytes,
  });

  constructor(deps: HttpDirectoryDeps) {
    const { logger, publishToken } = deps;
    const { lookupTimeoutMs: timeoutMs, shortTimeoutMs = shortTimeoutDefaultMs } = deps;
    const { graceMs = graceDefaultMs } = deps;
    this.#bounds = { timeoutMs, shortTimeoutMs, graceMs };
    this.#client = new HttpClient({ connectionsMax, answerLengthMax: metainfoLengthMax });
    const serviceOf = (url: string, kind: "tracker" | "seeder") =>
      new DirectoryService({ url, kind, publishToken, client: this.#client });
    const trackers = [...new Set(deps.trackers)].map((url) => serviceOf(url, "tracker"));
    const seeders = [...new Set(deps.seeders)].map((url) => serviceOf(url, "seeder"));
    this.#services = [...trackers, ...seeders];
    this.#queues = trackers.map(
      (service) =>
        new PublishQueue({ service, holdings: this.#holdings, logger, random: Math.random }),
    );
  }

  async lookup(
    digest: Digest,
    options: Cancellable & { readonly refused?: ReadonlySet<string> },
  ): Promise<DirectoryEntry | undefined> {
    const { signal, refused = new Set() } = options;
    signal.throwIfAborted();
    const race = createDeadline(signal);
    try {
      const entry = await raceLookups(
        this.#services,
        (service) => service.lookup(digest, { refused, signal: race.signal }),
        this.#bounds,
      );
      signal.throwIfAborted();
      return entry;
    } finally {
      race.abort();
      race[Symbol.dispose]();
      for (const queue of this.#queues) queue.look();
    }
  }

  publish(metainfo: Metainfo): void {
    if (this.#holdings.get(metainfo.digest)?.infoHash === metainfo.infoHash) return;
    this.#holdings.set(metainfo.digest, metainfo);
    for (const queue of this.#queues) queue.add(metainfo.digest);
  }

  /** What is known of each service. */
  status(): readonly SourceReport[] {
    return this.#services.map((service) => service.status());
  }

  /** Forgets what was not published yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue[Symbol.asyncDispose]()));
    this.#client[Symbol.dispose]();
  }
}
