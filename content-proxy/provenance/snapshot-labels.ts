import { type Digest, isDigest } from "../../core/digest.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import type { Provenance } from "./provenance.ts";
import { repositoryOfImage } from "./source-labels.ts";

/**
 * Labels with which containerd asks for a snapshot while it pulls, where it is configured to.
 *
 * @see containerd pkg/snapshotters/annotations.go
 */
const names = {
  image: "containerd.io/snapshot/cri.image-ref",
  manifest: "containerd.io/snapshot/cri.manifest-digest",
  layer: "containerd.io/snapshot/cri.layer-digest",
  /** Digests of this layer and those above, with commas in between. */
  layers: "containerd.io/snapshot/cri.image-layers",
} as const;

/** Blobs that the labels of one snapshot may name: images have at most 127 layers. */
const namedMax = 130;

/** Notes which repository the blobs come from that a snapshot is asked for with. What is malformed is left out. */
export function learnFromSnapshot(labels: Labels, provenance: Pick<Provenance, "learn">): void {
  const repository = repositoryOfImage(labels[names.image] ?? "");
  if (!repository) return;
  for (const digest of digestsIn(labels)) provenance.learn(repository, { digest });
}

function digestsIn(labels: Labels): Iterable<Digest> {
  const { [names.manifest]: manifest = "", [names.layer]: layer = "" } = labels;
  const layers = (labels[names.layers] ?? "").split(",", namedMax);
  return new Set([manifest, layer, ...layers].filter(isDigest));
}
