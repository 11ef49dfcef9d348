import { readFile } from "node:fs/promises";

import type { Descriptor } from "../../core/descriptor.ts";
import { uploadBlob, uploadManifest, type UploadTarget } from "./blob-upload.ts";
import { blobPath, type BuiltImage } from "./image.ts";
import type { Registry } from "./registry.ts";

export interface PushOptions {
  /** Repository and tag, as `samples/app:1`. */
  readonly name: string;
  /** Value of the Authorization header. */
  readonly authorization?: string | undefined;
}

/** Pushes an image with all its platforms, and gives the reference to pull it by. */
export async function pushImage(
  image: BuiltImage,
  registry: Pick<Registry, "endpoint" | "host">,
  { name, authorization }: PushOptions,
): Promise<string> {
  const [repository = name, tag = "latest"] = name.split(":");
  const target: UploadTarget = { endpoint: registry.endpoint, repository, authorization };
  const manifestNamed = async (descriptor: Descriptor, as: string) => {
    const bytes = await readFile(blobPath(image, descriptor));
    await uploadManifest(target, { mediaType: descriptor.mediaType, bytes, name: as });
  };
  for (const { config, layers, descriptor } of image.manifests) {
    for (const blob of [config, ...layers]) {
      await uploadBlob(target, { descriptor: blob, path: blobPath(image, blob) });
    }
    await manifestNamed(descriptor, descriptor.digest);
  }
  await manifestNamed(image.index, tag);
  return `${registry.host}/${repository}:${tag}`;
}
