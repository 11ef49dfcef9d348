import type { OddImage } from "./odd-image.ts";

/** Layers of one image at most, as containerd's overlay can mount them. */
const layersMax = 127;

/** One image of all layers of those that can be unpacked: one pull for all of them. */
export function mergeOddImages(name: string, images: readonly OddImage[]): OddImage {
  const layers = images
    .filter(({ isRefused, isLeft }) => !isRefused && !isLeft)
    .flatMap((image) => image.layers());
  if (layers.length > layersMax) throw new RangeError(`${layers.length} layers are too many`);
  return { name, layers: () => layers };
}
