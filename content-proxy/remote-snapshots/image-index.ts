import { LRUCache } from "lru-cache";

import { abortable } from "../../core/async/deadline.ts";
import { SingleFlight } from "../../core/async/single-flight.ts";
import type { Digest } from "../../core/digest.ts";
import { codeOf } from "../../core/errors.ts";
import { configLengthMax, parseImageConfig } from "../../core/image-config.ts";
import { manifestLengthMax, parseImageManifest } from "../../core/image-manifest.ts";
import type { BlobReader, BlobRecord } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { readBlob } from "../read-blob.ts";
import { type ImageLayer, type LayeredImage, layeredImageOf } from "./layered-image.ts";

/** Layers of all images that are remembered: some thousand images, in some ten megabytes. */
const layersMax = 50_000;

/** Blobs of which is remembered that they were looked into. */
const examinedMax = 100_000;

/**
 * Blobs that one question looks into. Only the first one after a start finds so many; what
 * it leaves out is older than thousands of manifests, and is left for the next question.
 */
const examinedAtOnceMax = 5000;

/** Where a layer is in an image. */
export interface LayerPlace {
  readonly image: LayeredImage;
  readonly layer: ImageLayer;
  /** Counted from the lowest layer, which is 0. */
  readonly index: number;
}

/** What {@link ImageIndex} works with. */
export interface ImageIndexDeps {
  readonly store: Pick<BlobReader, "find" | "records" | "read">;
  readonly logger: Logger;
}

/**
 * Tells which image a chainID belongs to, from the manifests and configs that containerd owns.
 *
 * containerd commits both before it asks for the first snapshot of an image, so the index only
 * looks when it is asked, and only at small blobs that became containerd's since the last
 * time. Which image a chainID is taken from matters little: the diffID of a layer is checked
 * when it is unpacked. The newest one is the one that is being pulled.
 */
export class ImageIndex implements Disposable {
  readonly #deps: ImageIndexDeps;
  readonly #stop = new AbortController();
  readonly #images = new LRUCache<Digest, IndexedImage>({
    maxSize: layersMax,
    sizeCalculation: ({ image }) => Math.max(1, image.layers.length),
    dispose: (indexed) => this.#forget(indexed),
  });
  readonly #byChainId = new Map<Digest, IndexedImage>();
  /** When a blob became containerd's that was looked into. */
  readonly #examined = new LRUCache<Digest, bigint>({ max: examinedMax });
  readonly #refreshes = new SingleFlight<"refresh", void>();

  constructor(deps: ImageIndexDeps) {
    this.#deps = deps;
  }

  /**
   * The place of a layer in the newest image that has it, or in the image of `manifest` if
   * that one has it; `undefined` when containerd owns no such image.
   */
  async find(
    chainId: Digest,
    { manifest, signal }: Cancellable & { readonly manifest?: Digest | undefined },
  ): Promise<LayerPlace | undefined> {
    await abortable(
      this.#refreshes.run("refresh", () => this.#refresh()),
      signal,
    );
    const hinted = manifest === undefined ? undefined : this.#images.get(manifest);
    return placeIn(hinted, chainId) ?? placeIn(this.#byChainId.get(chainId), chainId);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #refresh(): Promise<void> {
    const candidates = [...this.#deps.store.records()].filter((record) => this.#isNew(record));
    candidates.sort((one, other) => Number(other.createdAt - one.createdAt));
    for (const record of candidates.slice(0, examinedAtOnceMax)) await this.#examine(record);
  }

  #isNew({ digest, owned, whole, size, createdAt }: BlobRecord): boolean {
    if (!owned || !whole || size === 0 || size > manifestLengthMax) return false;
    return this.#examined.get(digest) !== createdAt;
  }

  /** Looks into a blob. One that is no manifest of an image, as most are not, is passed over. */
  async #examine(record: BlobRecord): Promise<void> {
    const { digest, createdAt } = record;
    try {
      const image = (await this.#isJson(record)) ? await this.#readImage(record) : undefined;
      if (image === "not whole yet") return;
      if (image) this.#add({ image, createdAt });
    } catch (error) {
      this.#stop.signal.throwIfAborted();
      const code = codeOf(error);
      // What is no manifest is no news; what cannot be read is.
      if (code !== "invalid_argument" && code !== "not_found") {
        this.#deps.logger.warn("cannot look into a blob", { digest, code });
      }
    }
    this.#examined.set(digest, createdAt);
  }

  /** Whether it may be a JSON object: layers, which are most of the blobs, begin otherwise. */
  async #isJson({ digest }: BlobRecord): Promise<boolean> {
    const start = await readBlob(this.#deps.store, { digest, size: 1 }, this.#stop);
    return /^[{\s]$/.test(start.toString("latin1"));
  }

  /** The image of a manifest; `undefined` when it is a manifest of something else. */
  async #readImage(record: BlobRecord): Promise<LayeredImage | "not whole yet" | undefined> {
    const { store } = this.#deps;
    const { digest } = record;
    const manifest = parseImageManifest(await readBlob(store, record, this.#stop));
    if (manifest.kind === "index" || manifest.layers.length === 0) return undefined;
    const config = store.find(manifest.config.digest);
    if (!config?.whole) return "not whole yet";
    if (config.size > configLengthMax) return undefined;
    const { diffIds } = parseImageConfig(await readBlob(store, config, this.#stop));
    return layeredImageOf({ digest, layers: manifest.layers }, { diffIds });
  }

  #add(indexed: IndexedImage): void {
    this.#images.set(indexed.image.manifest, indexed);
    for (const { chainId } of indexed.image.layers) {
      const known = this.#byChainId.get(chainId);
      if (!known || known.createdAt <= indexed.createdAt) this.#byChainId.set(chainId, indexed);
    }
  }

  #forget(indexed: IndexedImage): void {
    for (const { chainId } of indexed.image.layers) {
      if (this.#byChainId.get(chainId) === indexed) this.#byChainId.delete(chainId);
    }
  }
}

/** An image, and when its manifest became containerd's. */
interface IndexedImage {
  readonly image: LayeredImage;
  readonly createdAt: bigint;
}

function placeIn(indexed: IndexedImage | undefined, chainId: Digest): LayerPlace | undefined {
  if (!indexed) return undefined;
  const { image } = indexed;
  const index = image.layers.findIndex((layer) => layer.chainId === chainId);
  const layer = image.layers[index];
  return layer && { image, layer, index };
}
