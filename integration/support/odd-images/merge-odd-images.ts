import type { LayerFixture } from "../../../core/testing/layer-fixture.ts";
import type { OddImage } from "./odd-image.ts";

/** Layers of one image at most, as containerd's overlay can mount them. */
const layersMax = 127;

/**
 * One image of all layers of those that can be unpacked, for one pull. In its differences there
 * is the number of the layer, too.
 */
export function mergeOddImages(name: string, images: readonly OddImage[]): Required<MergedImage> {
  const layers: LayerFixture[] = [];
  const differences: string[] = [];
  for (const image of images) {
    if (image.isRefused || image.isLeft) continue;
    layers.push(...image.layers());
    const known = image.differences ?? [];
    differences.push(...known.map((difference) => `layer ${layers.length - 1}: ${difference}`));
  }
  if (layers.length > layersMax) throw new RangeError(`${layers.length} layers are too many`);
  return { name, layers: () => layers, differences };
}

type MergedImage = Pick<OddImage, "name" | "layers" | "differences">;
