import type { ImagePlan } from "../integration/support/image.ts";

const megabyte = 1_000_000;

/** A small image that daemons are no longer new after: a node of a cluster has pulled before. */
export const warmUpImage: ImagePlan = {
  seed: "bench warm-up",
  layers: [{ compression: "gzip", sizeBytes: 2 * megabyte, of: "machine" }],
};

/** An image of about 10 MB: what one new version of a program often is. */
export const image10MB: ImagePlan = {
  seed: "bench 10 MB",
  layers: [
    { compression: "gzip", sizeBytes: 14 * megabyte, of: "machine" },
    { compression: "gzip", sizeBytes: 6 * megabyte, of: "machine" },
    { compression: "none", sizeBytes: 2 * megabyte, of: "random" },
  ],
};

/** An image of about 500 MB in four layers. */
export const image500MB: ImagePlan = {
  seed: "bench 500 MB",
  layers: [
    { compression: "gzip", sizeBytes: 500 * megabyte, of: "machine" },
    { compression: "gzip", sizeBytes: 320 * megabyte, of: "machine" },
    { compression: "gzip", sizeBytes: 180 * megabyte, of: "machine" },
    { compression: "none", sizeBytes: 60 * megabyte, of: "random" },
  ],
};

/** What files of a machine shrink to, about. */
const gzipRatio = 0.45;

/** An image of about `sizeBytes` in so many layers of the same size. */
export function layeredImage(layerCount: number, sizeBytes: number): ImagePlan {
  const layerBytes = Math.ceil(sizeBytes / gzipRatio / layerCount);
  const layer = { compression: "gzip", sizeBytes: layerBytes, of: "machine" } as const;
  return {
    seed: `bench ${layerCount} layers`,
    layers: Array.from({ length: layerCount }, () => layer),
  };
}

/** The same image, larger or smaller in all its parts. */
export function scaled(plan: ImagePlan, factor: number): ImagePlan {
  const layers = plan.layers.map((layer) => ({ ...layer, sizeBytes: layer.sizeBytes * factor }));
  return {
    ...plan,
    layers: layers.map((layer) => ({ ...layer, sizeBytes: Math.ceil(layer.sizeBytes) })),
  };
}
