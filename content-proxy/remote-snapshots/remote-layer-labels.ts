import { isDigest } from "../../core/digest.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import type { ImageLayer } from "./layered-image.ts";

/**
 * The label by which containerd asks for a layer, and finds it again: its chainID.
 *
 * @see containerd core/snapshots/snapshotter.go: LabelSnapshotRef
 */
export const snapshotRefLabel = "containerd.io/snapshot.ref";

/**
 * The label that tells the manifest of the image that is pulled, where containerd is
 * configured to tell.
 *
 * @see containerd pkg/snapshotters/annotations.go
 */
export const manifestDigestLabel = "containerd.io/snapshot/cri.manifest-digest";

/** Labels of ours: what a snapshot was made of, to make it anew and to find its blob. */
const own = {
  digest: "shoal/layer-digest",
  size: "shoal/layer-size",
  mediaType: "shoal/layer-media-type",
  diffId: "shoal/layer-diff-id",
} as const;

/** The labels of the snapshot of a layer that was unpacked here, beside those that containerd gives it. */
export function labelsOfLayer({ chainId, diffId, descriptor }: ImageLayer): Labels {
  return {
    [snapshotRefLabel]: chainId,
    [own.digest]: descriptor.digest,
    [own.size]: String(descriptor.size),
    [own.mediaType]: descriptor.mediaType,
    [own.diffId]: diffId,
  };
}

/** The layer that a snapshot was unpacked from here; `undefined` when it was not. */
export function layerOfLabels(labels: Labels): ImageLayer | undefined {
  const { [snapshotRefLabel]: chainId = "", [own.diffId]: diffId = "" } = labels;
  const { [own.digest]: digest = "", [own.mediaType]: mediaType = "" } = labels;
  const size = Number(labels[own.size]);
  if (!isDigest(chainId) || !isDigest(diffId) || !isDigest(digest)) return undefined;
  if (!Number.isSafeInteger(size) || size <= 0) return undefined;
  return { chainId, diffId, descriptor: { mediaType, digest, size } };
}
