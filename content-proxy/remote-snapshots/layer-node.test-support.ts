import { createReadStream } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { chainIdsOf } from "../../core/chain-id.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import { DigestMismatchError, LayerFormatError } from "../../core/errors.ts";
import type { LayerUnpacker, UnpackOrder } from "../../core/ports/layer-unpacker.ts";
import { DiskSnapshotStore } from "../../core/snapshots/disk-snapshot-store.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { SystemClock } from "../../core/system/system-clock.ts";
import { blobFixtureOf } from "../../core/testing/blob-fixture.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { type ScriptedDownload, ScriptedSwarm } from "../../core/testing/scripted-swarm.ts";
import { testFolder } from "../../core/testing/test-folder.ts";
import { Arrivals } from "../arrivals.ts";
import { BlobLookup } from "../blob-lookup.ts";
import { RecentBlobs } from "../recent-blobs.ts";
import { ImageIndex } from "./image-index.ts";
import { LayerJobs } from "./layer-jobs.ts";
import type { ImageLayer } from "./layered-image.ts";
import { snapshotRefLabel } from "./remote-layer-labels.ts";
import { SwarmRemoteLayers } from "./swarm-remote-layers.ts";

const layerType = "application/vnd.oci.image.layer.v1.tar";

/** An image whose layers are texts: the "tar stream" of a layer is its blob. */
export interface TextImage {
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly layers: readonly (ImageLayer & { readonly bytes: Buffer })[];
}

export function textImage(
  texts: readonly string[],
  { mediaType = layerType, salt = "" } = {},
): TextImage {
  const blobs = texts.map((text) => Buffer.from(text));
  const diffIds = blobs.map(digestOf);
  const chainIds = chainIdsOf(diffIds);
  const layers = blobs.flatMap((bytes, index) => {
    const [diffId, chainId] = [diffIds[index], chainIds[index]];
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    return diffId && chainId ? [{ bytes, diffId, chainId, descriptor }] : [];
  });
  const config = Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds }, salt }));
  const manifest = Buffer.from(
    JSON.stringify({
      config: { mediaType: "x/config", digest: digestOf(config), size: config.length },
      layers: layers.map(({ descriptor }) => descriptor),
    }),
  );
  return { manifest, config, layers };
}

/** Unpacks a layer as one file with all its bytes, and inherits as another. */
class TextUnpacker implements LayerUnpacker {
  /** Digests of what was unpacked, or begun. */
  readonly begun: Digest[] = [];
  /** Digests of layers that were said to have nothing below them. */
  readonly lowest: Digest[] = [];
  /** Called before a layer is unpacked, to hold it or have it fail. */
  before: (order: UnpackOrder, signal: AbortSignal) => Promise<unknown> = async () => undefined;

  async unpack(order: UnpackOrder, { signal }: { readonly signal: AbortSignal }) {
    this.begun.push(order.digest);
    if (order.isLowest) this.lowest.push(order.digest);
    await this.before(order, signal);
    const { file, into, diffId } = order;
    let end = 0;
    while (end < file.size) {
      end = await file.availableEnd(end, { signal });
      order.onProgress?.({ bytesRead: end, bytesWritten: end, entries: 0 });
    }
    const chunks: Buffer[] = [];
    const stream = createReadStream("", {
      fd: file.fd,
      start: 0,
      end: file.size - 1,
      autoClose: false,
    });
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    if (bytes.toString().startsWith("broken")) throw new LayerFormatError("Cannot unpack: broken");
    if (digestOf(bytes) !== diffId) throw new DigestMismatchError(diffId, digestOf(bytes));
    await writeFile(join(into, "content"), bytes);
    order.onProgress?.({ bytesRead: end, bytesWritten: end, entries: 1 });
    return { usage: { size: bytes.length, inodes: 2 }, impliedDirectories: ["usr"] };
  }

  async inherit({ path }: { readonly path: string }, parents: readonly string[]): Promise<void> {
    await writeFile(join(path, "parents"), String(parents.length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Holds nothing.
  }
}

/** The part of a node that unpacks layers ahead: real stores, a scripted swarm, layers of text. */
export class LayerNode {
  readonly swarm = new ScriptedSwarm();
  readonly unpacker = new TextUnpacker();
  readonly logger = new MemoryLogger();
  readonly recent = new RecentBlobs();
  readonly provided: { readonly digest: Digest; readonly namespace: string }[] = [];
  /** What the last answer of a pull waits for. */
  registered: () => Promise<void> = async () => undefined;
  readonly store: DiskBlobStore;
  readonly snapshots: DiskSnapshotStore;
  readonly arrivals: Arrivals;
  readonly index: ImageIndex;
  readonly jobs: LayerJobs;
  readonly layers: SwarmRemoteLayers;
  readonly #root: string;
  /** Blobs that somebody in the swarm has. */
  readonly #offered = new Map<Digest, Buffer>();

  private constructor(
    root: string,
    stores: { readonly store: DiskBlobStore; readonly snapshots: DiskSnapshotStore },
    { prepareTimeoutMs }: { readonly prepareTimeoutMs: number },
  ) {
    this.#root = root;
    this.store = stores.store;
    this.snapshots = stores.snapshots;
    const { store, snapshots, swarm, unpacker, logger, recent } = this;
    const directory = {
      publish: () => undefined,
      lookup: async (digest: Digest) => {
        const bytes = this.#offered.get(digest);
        return bytes && { metainfo: blobFixtureOf(bytes).metainfo, peers: [], webSeeds: [] };
      },
    };
    this.arrivals = new Arrivals({
      ...{ store, swarm, logger, trustPeers: true },
      lookup: new BlobLookup({ directory, logger }),
      webSeedsOf: () => [],
      onWhole: () => undefined,
      onReceived: () => undefined,
    });
    const { arrivals } = this;
    this.index = new ImageIndex({ store, logger });
    const clock = new SystemClock();
    const bytes = { store, arrivals, recent };
    this.jobs = new LayerJobs({ bytes, unpacker, snapshots, clock, logger });
    this.layers = new SwarmRemoteLayers({
      ...{ index: this.index, jobs: this.jobs, snapshots, unpacker, store, arrivals, logger },
      registrar: {
        add: ({ layer, namespace }) =>
          void this.provided.push({ digest: layer.descriptor.digest, namespace }),
        settled: () => this.registered(),
      },
      restoration: { settled: async () => undefined },
      provenance: { learn: () => undefined },
      prepareTimeoutMs,
    });
  }

  static async open(t: TestContext, { prepareTimeoutMs = 60_000 } = {}): Promise<LayerNode> {
    const root = testFolder(t, "layers");
    const clock = new SystemClock();
    const logger = new MemoryLogger();
    const deps = (name: string) => ({ root: join(root, name), clock, logger });
    const store = await DiskBlobStore.open(deps("blobs"), t);
    const snapshots = await DiskSnapshotStore.open(deps("snapshots"), t);
    const node = new LayerNode(root, { store, snapshots }, { prepareTimeoutMs });
    cleanUpOf(t).defer(() => node.close());
    return node;
  }

  async close(): Promise<void> {
    await this.jobs[Symbol.asyncDispose]();
    this.index[Symbol.dispose]();
    await this.arrivals[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
    await this.snapshots[Symbol.asyncDispose]();
  }

  /** Puts a blob into the store, as a pull of containerd's does. */
  async write(bytes: Buffer): Promise<Digest> {
    const digest = digestOf(bytes);
    const ingest = await this.store.openIngest(`ref ${digest}`, { total: bytes.length });
    await ingest.write(bytes);
    const owned = { provenance: "pull", owned: true, labels: {} } as const;
    await ingest.commit({ size: bytes.length, ...owned });
    await ingest.close();
    return digest;
  }

  /** Has containerd know of an image, as it does before it asks for the first snapshot. */
  async pullManifest({ manifest, config }: TextImage): Promise<void> {
    await this.write(manifest);
    await this.write(config);
  }

  /** Has the swarm have a blob. */
  offer(bytes: Buffer): void {
    this.#offered.set(digestOf(bytes), bytes);
  }

  /** Has the swarm give all blobs at once when they are asked for. */
  giveAll(): void {
    this.swarm.onDownload = (download) => void this.fill(download);
  }

  async fill(download: ScriptedDownload): Promise<void> {
    await writeFile(download.wanted.path, this.#offered.get(download.wanted.torrent.digest) ?? "");
    download.finish();
  }

  /** Asks as containerd does, for a layer that it has no snapshot of. */
  async prepare(
    layer: ImageLayer | undefined,
    parent?: string,
    { namespace = "default", signal = new AbortController().signal } = {},
  ): Promise<boolean> {
    if (!layer) throw new Error("There is no such layer");
    const labels = { [snapshotRefLabel]: layer.chainId };
    const key = `${namespace}/7/extract-1-a ${layer.chainId}`;
    const request = { key, labels, ...(parent !== undefined && { parent }) };
    return this.layers.provide(request, { signal });
  }

  /** What a snapshot adds to those below it, and how many these are. */
  async contentOf(name: string): Promise<{ readonly content: string; readonly parents: string }> {
    const [path = ""] = this.snapshots.layerPaths(name);
    const read = (file: string) => readFile(join(path, file), "utf8");
    return { content: await read("content"), parents: await read("parents") };
  }

  /** Folders of the snapshot store that are no snapshots yet. */
  async drafts(): Promise<string[]> {
    await this.snapshots.cleanup();
    const folders = await readdir(join(this.#root, "snapshots", "v1"));
    return folders.filter((name) => name.startsWith("draft-"));
  }
}
