import type { LayerFixture } from "../../../core/testing/layer-fixture.ts";
import { ensurePackages } from "../apt-packages.ts";
import type { BuiltImage } from "../image.ts";
import { ImageWriter, machineArchitecture, type BuiltManifest } from "../image-writer.ts";
import type { OddImage } from "./odd-image.ts";

/** An odd image whose layers are made. */
export interface WrittenOddImage extends OddImage {
  readonly fixtures: readonly LayerFixture[];
  readonly manifest: BuiltManifest;
}

/** Writes odd images into one OCI layout, whose index names all of them. */
export async function writeOddImages(
  images: readonly OddImage[],
  directory: string,
): Promise<{ readonly layout: BuiltImage; readonly images: readonly WrittenOddImage[] }> {
  // Sets extended attributes of files for GNU tar.
  await ensurePackages(["python3-minimal"]);
  const writer = await ImageWriter.create(directory, { family: "oci" });
  const written: WrittenOddImage[] = [];
  for (const image of images) {
    const fixtures = image.layers();
    for (const { mediaType, bytes } of fixtures) await writer.blob(mediaType, bytes);
    const manifest = await writer.manifest(machineArchitecture, fixtures);
    written.push({ ...image, fixtures, manifest });
  }
  const manifests = written.map(({ manifest }) => manifest);
  const layout = { directory, manifests, index: await writer.finish(manifests) };
  return { layout, images: written };
}
