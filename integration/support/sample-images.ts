import type { ImagePlan } from "./image.ts";

const megabyte = 1_000_000;

/** An image of about 10 MB in three layers, one of each compression. */
export function smallImage(seed: string): ImagePlan {
  return {
    seed,
    layers: [
      { compression: "gzip", sizeBytes: 7 * megabyte, of: "machine" },
      { compression: "zstd", sizeBytes: 6 * megabyte, of: "machine" },
      { compression: "none", sizeBytes: 2 * megabyte, of: "random" },
    ],
  };
}

/** What keeps the namespaces of a pod: a program that waits. */
export const pauseImage: ImagePlan = {
  seed: "pause",
  command: ["/bin/sleep", "86400"],
  layers: [{ compression: "gzip", sizeBytes: 1000, of: "random" }],
};

/** Where the containerd of a cluster with the CRI looks for {@link pauseImage}. */
export const pauseName = "samples/pause:1";

/** A small image as Docker names its parts; containerd 1.x knows no zstd layers of that name. */
export function dockerImage(seed: string): ImagePlan {
  return {
    seed,
    mediaTypes: "docker",
    layers: [
      { compression: "gzip", sizeBytes: 4 * megabyte, of: "machine" },
      { compression: "gzip", sizeBytes: 2 * megabyte, of: "random" },
      { compression: "none", sizeBytes: 1 * megabyte, of: "random" },
    ],
  };
}

/**
 * An image of at least 300 MB: files of this machine in three gzip layers and one zstd
 * layer, and a layer that is as it is.
 */
export function largeImage(seed: string): ImagePlan {
  return {
    seed,
    layers: [
      { compression: "gzip", sizeBytes: 320 * megabyte, of: "machine" },
      { compression: "gzip", sizeBytes: 240 * megabyte, of: "machine" },
      { compression: "zstd", sizeBytes: 320 * megabyte, of: "machine" },
      { compression: "gzip", sizeBytes: 120 * megabyte, of: "machine" },
      { compression: "none", sizeBytes: 40 * megabyte, of: "random" },
    ],
  };
}
