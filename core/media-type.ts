/**
 * The media types that carry meaning here.
 *
 * @see OCI image-spec v1.1, media-types.md; Docker Image Manifest V2, Schema 2
 */
export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

/** Docker's names of layers; `foreign` ones lie at a URL of their own. */
const dockerLayer =
  /^application\/vnd\.docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.gzip|\.zstd)?$/;

/** OCI's names of layers that are tar streams. */
const ociTarLayer =
  /^application\/vnd\.oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?$/;

/** Whether the media type names a list of manifests. */
export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;
}

/** Whether the media type names the manifest of one image. */
export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

/**
 * Whether containerd counts a blob of a manifest as one of the image's layers, whatever
 * their form: the others have no diffID.
 *
 * @see containerd core/images/mediatypes.go: IsLayerType
 */
export function isLayer(mediaType: string): boolean {
  const [base = ""] = mediaType.split("+");
  return mediaType.startsWith("application/vnd.oci.image.layer.") || dockerLayer.test(base);
}

/** Whether a layer is a tar stream, plain or compressed, and nothing else (as an encrypted one is). */
export function isTarLayer(mediaType: string): boolean {
  return ociTarLayer.test(mediaType) || dockerLayer.test(mediaType);
}
