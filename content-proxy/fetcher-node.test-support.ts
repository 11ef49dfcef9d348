import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { type TestContext } from "node:test";

import { CacheBudget } from "../core/blob-life/cache-budget.ts";
import { Offering } from "../core/blob-life/offering.ts";
import { type Digest, digestOf } from "../core/digest.ts";
import { type Metainfo, createMetainfo } from "../core/metainfo.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import { pieceLayoutOf } from "../core/piece-layout.ts";
import type { BlobProvenance, BlobRecord } from "../core/ports/blob-store.ts";
import type { ColdAnswer } from "../core/ports/cold-source.ts";
import { DiskBlobStore } from "../core/store/disk-blob-store.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { type ScriptedDownload, ScriptedSwarm } from "../core/testing/scripted-swarm.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { Arrivals } from "./arrivals.ts";
import { BlobLookup } from "./blob-lookup.ts";
import { BrokenPromises } from "./broken-promises.ts";
import { Prefetch } from "./prefetch.ts";
import { Provenance } from "./provenance/provenance.ts";
import { RecentBlobs } from "./recent-blobs.ts";
import { type PullSettings, SwarmBlobFetcher } from "./swarm-blob-fetcher.ts";
import { Traffic } from "./traffic.ts";

export const logger = new MemoryLogger();
const amd64 = { os: "linux", architecture: "amd64" };

export function metainfoOf(bytes: Buffer): Metainfo {
  const hasher = new PieceHasher(pieceLayoutOf(bytes.length).pieceLength);
  hasher.update(bytes);
  return createMetainfo({
    digest: digestOf(bytes),
    size: bytes.length,
    pieceHashes: hasher.digest(),
  });
}

/** What a test may want otherwise. */
interface NodeOptions {
  readonly root?: string;
  readonly budgetBytes?: number;
}

/** A content proxy without its wires: a real store, a directory of `blobs`, a scripted swarm. */
export class Node {
  readonly root: string;
  readonly blobs = new Map<Digest, Buffer>();
  readonly published: Digest[] = [];
  /** What the directory was asked for. */
  readonly lookedUp: Digest[] = [];
  readonly swarm = new ScriptedSwarm();
  /** What seeders make of a blob that nobody has. */
  cold: ColdAnswer | undefined;
  readonly store: DiskBlobStore;
  readonly recent = new RecentBlobs();
  readonly arrivals: Arrivals;
  readonly provenance = new Provenance();
  readonly offering: Offering;
  readonly budget: CacheBudget;
  readonly prefetch: Prefetch;
  readonly fetcher: SwarmBlobFetcher;
  /** One that gives a blob up at once. */
  readonly hastyFetcher: SwarmBlobFetcher;
  /** One that gives a read up soon. */
  readonly impatientFetcher: SwarmBlobFetcher;
  readonly #promises: BrokenPromises;
  #successor: Node | undefined;
  /** Promises that could not be kept. */
  readonly broken: Digest[] = [];

  private constructor(root: string, store: DiskBlobStore, options: NodeOptions) {
    this.root = root;
    this.store = store;
    const { swarm } = this;
    const directory = {
      publish: ({ digest }: Metainfo) => void this.published.push(digest),
      lookup: async (digest: Digest) => {
        this.lookedUp.push(digest);
        const bytes = this.blobs.get(digest);
        return bytes && { metainfo: metainfoOf(bytes), peers: [], webSeeds: [] };
      },
    };
    const traffic = new Traffic(swarm);
    this.offering = new Offering({ store, swarm, directory, logger, enabled: true });
    const { recent } = this;
    const rule = {
      budgetBytes: options.budgetBytes ?? 1000,
      lastUseOf: ({ updatedAt }: BlobRecord) => updatedAt,
      isKept: ({ digest }: BlobRecord) => recent.has(digest),
    };
    const space = () => store.space();
    this.budget = new CacheBudget({ store, offering: this.offering, logger, rule, space });
    store.whenFull((bytes) => this.budget.enforce(bytes));
    const lookup = new BlobLookup({ directory, logger });
    this.arrivals = new Arrivals({
      ...{ store, swarm, lookup, logger },
      trustPeers: true,
      webSeedsOf: () => [],
      coldFetch: {
        isResponsive: false,
        ask: async () => this.cold,
        refuse: () => undefined,
      },
      onWhole: (record) => {
        this.offering.add(record);
        void this.budget.enforce();
      },
      onReceived: () => undefined,
    });
    const { arrivals, offering, budget } = this;
    const { provenance } = this;
    this.prefetch = new Prefetch({
      ...{ store, arrivals, lookup, provenance, logger, platform: amd64 },
      downloadsMax: 8,
    });
    this.#promises = new BrokenPromises({
      ...{ arrivals, onBroken: (digest) => void this.broken.push(digest) },
    });
    const fetcherOf = (changes: Partial<PullSettings>) => {
      const patient = { streamLayers: true, stallTimeoutMs: 60_000, readTimeoutMs: 60_000 };
      const settings = { ...patient, ...changes };
      return new SwarmBlobFetcher({
        ...{ store, arrivals, offering, budget, traffic, recent, logger, settings },
        prefetch: this.prefetch,
        broken: this.#promises,
      });
    };
    this.fetcher = fetcherOf({});
    this.hastyFetcher = fetcherOf({ stallTimeoutMs: 1 });
    this.impatientFetcher = fetcherOf({ readTimeoutMs: 100 });
  }

  static async open(t: TestContext, options: NodeOptions = {}): Promise<Node> {
    const root = options.root ?? testFolder(t, "fetcher");
    const node = await Node.#openAt(root, t, options);
    cleanUpOf(t).defer(async () => {
      await node.close();
      await node.#successor?.close();
    });
    return node;
  }

  static async #openAt(root: string, { signal }: TestContext, options: NodeOptions): Promise<Node> {
    const clock = new SystemClock();
    return new Node(root, await DiskBlobStore.open({ root, clock, logger }, { signal }), options);
  }

  /** Closes it, and opens what is on its disk anew, to live as long as it would have. */
  async restart(t: TestContext): Promise<Node> {
    await this.close();
    this.#successor = await Node.#openAt(this.root, t, {});
    return this.#successor;
  }

  async close(): Promise<void> {
    this.#promises[Symbol.dispose]();
    await this.prefetch[Symbol.asyncDispose]();
    await this.arrivals[Symbol.asyncDispose]();
    await this.offering[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }

  /** Puts a blob that somebody in the swarm has. */
  offer(bytes: Buffer): Digest {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  async nextDownload(): Promise<ScriptedDownload> {
    return new Promise((resolve) => (this.swarm.onDownload = resolve));
  }

  /** Lets all bytes of a download come. */
  async fill(download: ScriptedDownload): Promise<void> {
    const bytes = this.blobs.get(download.wanted.torrent.digest);
    assert.ok(bytes);
    // Never shorter in between: somebody may read it.
    await writeFile(download.wanted.path, bytes, { flag: "r+" });
    download.finish();
  }

  /** Writes a blob as containerd does. */
  async write(bytes: Buffer, provenance: BlobProvenance): Promise<BlobRecord> {
    const ingest = await this.store.openIngest(`ref ${digestOf(bytes)}`, { total: bytes.length });
    ingest.expect(bytes.length);
    await ingest.write(bytes);
    const labels = {};
    const record = await ingest.commit({ size: bytes.length, labels, provenance, owned: true });
    await ingest.close();
    return record;
  }

  async read(digest: Digest, signal: AbortSignal): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    const range = { start: 0, end: Number.MAX_SAFE_INTEGER };
    for await (const chunk of this.fetcher.read(digest, range, { signal })) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}
