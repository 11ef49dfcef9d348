import assert from "node:assert/strict";

import type { Descriptor } from "../../core/descriptor.ts";
import { pushImage } from "../../integration/support/image-push.ts";
import { buildImage, sizeOfManifest, type ImagePlan } from "../../integration/support/image.ts";
import { preheat } from "../../integration/support/preheat.ts";
import type { BenchContext } from "../measurement.ts";
import type { Origin } from "./origin.ts";

export interface PublishedImage {
  readonly reference: string;
  readonly layers: readonly Descriptor[];
  /** Bytes of all its blobs. */
  readonly size: number;
}

/** Makes an image that the registry, the seeder and the tracker know. */
export async function publish(
  plan: ImagePlan,
  options: {
    readonly name: string;
    readonly origin: Origin;
    readonly context: Pick<BenchContext, "signal" | "tell">;
    /** In the registry; made of the name unless it is given. */
    readonly repository?: string;
  },
): Promise<PublishedImage> {
  const { name, origin, context, repository = `bench/${name.toLowerCase()}:1` } = options;
  const { signal, tell } = context;
  const image = await buildImage(plan, { signal });
  const [manifest] = image.manifests;
  assert(manifest && origin.seeder);
  tell(`pushing and preheating ${name}, ${(sizeOfManifest(manifest) / 1e6).toFixed(1)} MB`);
  const reference = await pushImage(image, origin.registry, { name: repository });
  await preheat(reference, { seeder: origin.seeder, signal });
  return { reference, layers: manifest.layers, size: sizeOfManifest(manifest) };
}
