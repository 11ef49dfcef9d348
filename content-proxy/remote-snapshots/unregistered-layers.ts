import type { Digest } from "../../core/digest.ts";
import {
  type ImageManifest,
  manifestLengthMax,
  parseImageManifest,
} from "../../core/image-manifest.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { SnapshotStore } from "../../core/ports/snapshot-store.ts";
import { readBlob } from "../read-blob.ts";
import type { ContainerdMetadata, InNamespace } from "./containerd-metadata.ts";
import type { ImageLayer } from "./layered-image.ts";
import { layerOfLabels } from "./remote-layer-labels.ts";

/** A layer whose blob a namespace of containerd's is to know of. */
export interface UnregisteredLayer {
  readonly layer: ImageLayer;
  /** The image that it is of. */
  readonly manifest: Digest;
  readonly namespace: string;
}

/** What {@link unregisteredLayers} works with. */
export interface UnregisteredLayersDeps {
  readonly metadata: Pick<ContainerdMetadata, "namespaces" | "imageTargets" | "labelsOf">;
  readonly snapshots: Pick<SnapshotStore, "records">;
  readonly store: Pick<BlobReader, "find" | "read">;
}

/**
 * Finds the layers that were unpacked here, that images of containerd's are made of, and whose
 * blobs containerd does not know of: what an end of this program at a wrong moment leaves.
 *
 * @throws {UnavailableError} when containerd does not answer.
 */
export async function* unregisteredLayers(
  deps: UnregisteredLayersDeps,
  { signal }: Cancellable,
): AsyncGenerator<UnregisteredLayer, void> {
  const layers = new Map<Digest, ImageLayer>();
  for (const { labels } of deps.snapshots.records()) {
    const layer = layerOfLabels(labels);
    if (layer) layers.set(layer.descriptor.digest, layer);
  }
  if (layers.size === 0) return;
  for (const namespace of await deps.metadata.namespaces({ signal })) {
    yield* unregisteredIn(deps, layers, { namespace, signal });
  }
}

async function* unregisteredIn(
  deps: UnregisteredLayersDeps,
  layers: ReadonlyMap<Digest, ImageLayer>,
  options: InNamespace,
): AsyncGenerator<UnregisteredLayer, void> {
  const asked = new Set<Digest>();
  for (const target of new Set(await deps.metadata.imageTargets(options))) {
    for await (const { manifest, digests } of imagesOf(deps.store, target, options)) {
      for (const digest of digests) {
        const layer = layers.get(digest);
        if (!layer || asked.has(digest)) continue;
        asked.add(digest);
        if (await deps.metadata.labelsOf(digest, options)) continue;
        yield { layer, manifest, namespace: options.namespace };
      }
    }
  }
}

/** The image that a manifest is of, or those of an index of which the manifests are here. */
async function* imagesOf(
  store: UnregisteredLayersDeps["store"],
  target: Digest,
  { signal }: Cancellable,
): AsyncGenerator<{ readonly manifest: Digest; readonly digests: readonly Digest[] }, void> {
  const found = await readManifest(store, target, { signal });
  const named =
    found?.kind === "index" ? found.manifests.map((entry) => entry.descriptor.digest) : [];
  for (const manifest of found?.kind === "manifest" ? [target] : named) {
    const image = manifest === target ? found : await readManifest(store, manifest, { signal });
    if (image?.kind !== "manifest") continue;
    yield { manifest, digests: image.layers.map(({ digest }) => digest) };
  }
}

/** `undefined` when it is not here, or is no manifest. */
async function readManifest(
  store: UnregisteredLayersDeps["store"],
  digest: Digest,
  { signal }: Cancellable,
): Promise<ImageManifest | undefined> {
  const record = store.find(digest);
  if (!record?.whole || record.size > manifestLengthMax) return undefined;
  try {
    return parseImageManifest(await readBlob(store, record, { signal }));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
