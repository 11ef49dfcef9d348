import { chainIdsOf } from "../../core/chain-id.ts";
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import type { ImageConfig } from "../../core/image-config.ts";
import { isLayer } from "../../core/media-type.ts";

/** A layer of an image: how its snapshot is called, and which blob it is made of. */
export interface ImageLayer {
  /** Names it together with all layers below it. */
  readonly chainId: Digest;
  /** Digest of its tar stream. */
  readonly diffId: Digest;
  readonly descriptor: Descriptor;
}

/** Whether it is the lowest layer of its images: only then its chainID is its diffID. */
export function isLowest({ chainId, diffId }: ImageLayer): boolean {
  return chainId === diffId;
}

/** An image whose manifest and config are known. */
export interface LayeredImage {
  /** Digest of its manifest. */
  readonly manifest: Digest;
  /** The lowest first. */
  readonly layers: readonly ImageLayer[];
}

/**
 * Joins what the manifest and the config of an image say of its layers. Which of the blobs
 * in the manifest are layers is decided as containerd does.
 *
 * @throws {InvalidArgumentError} when there are as many layers as diffIDs in only one of them.
 * @see containerd core/unpack/unpacker.go
 */
export function layeredImageOf(
  manifest: { readonly digest: Digest; readonly layers: readonly Descriptor[] },
  { diffIds }: ImageConfig,
): LayeredImage {
  const descriptors = manifest.layers.filter(({ mediaType }) => isLayer(mediaType));
  const chainIds = chainIdsOf(diffIds);
  const layers = descriptors.flatMap((descriptor, index) => {
    const [diffId, chainId] = [diffIds[index], chainIds[index]];
    return diffId && chainId ? [{ chainId, diffId, descriptor }] : [];
  });
  if (layers.length !== descriptors.length || layers.length !== diffIds.length) {
    throw new InvalidArgumentError(
      `Cannot tell the layers of image ${manifest.digest}: it has ${descriptors.length} and ${diffIds.length} diffIDs`,
    );
  }
  return { manifest: manifest.digest, layers };
}
