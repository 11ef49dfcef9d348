import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type {
  LayerUnpacker,
  UnpackedLayer,
  UnpackOrder,
} from "../../../core/ports/layer-unpacker.ts";
import type { LayerFixture } from "../../../core/testing/layer-fixture.ts";
import type { UnpackOutcome } from "./unpack-by-containerd.ts";

export interface OurOutcome extends UnpackOutcome {
  /** What was told of each folder. */
  readonly unpacked: readonly UnpackedLayer[];
}

/** Has our unpacker unpack the layers of an image, each with nothing but its own bytes. */
export async function unpackByUs(
  unpacker: LayerUnpacker,
  layers: readonly LayerFixture[],
  { directory }: { readonly directory: string },
): Promise<OurOutcome> {
  await mkdir(directory);
  const directories: string[] = [];
  const unpacked: UnpackedLayer[] = [];
  for (const [index, layer] of layers.entries()) {
    const into = join(directory, String(index));
    await mkdir(into);
    try {
      const outcome = await unpackLayer(unpacker, layer, { into, isLowest: index === 0 });
      await unpacker.inherit({ ...outcome, path: into }, directories.toReversed());
      unpacked.push(outcome);
    } catch (refusal) {
      return { directories, unpacked, refusal };
    }
    directories.push(into);
  }
  return { directories, unpacked };
}

async function unpackLayer(
  unpacker: LayerUnpacker,
  { bytes, digest, mediaType, diffId }: LayerFixture,
  { into, isLowest }: Required<Pick<UnpackOrder, "into" | "isLowest">>,
): Promise<UnpackedLayer> {
  const path = `${into}.blob`;
  await writeFile(path, bytes);
  const handle = await open(path);
  try {
    const size = bytes.byteLength;
    const file = { fd: handle.fd, size, availableEnd: () => Promise.resolve(size) };
    const order = { digest, mediaType, diffId, file, into, isLowest };
    return await unpacker.unpack(order, { signal: new AbortController().signal });
  } finally {
    await handle.close();
  }
}
