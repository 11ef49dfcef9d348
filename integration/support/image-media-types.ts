import { mediaTypes } from "../../core/media-type.ts";

/** Media types of the parts of an image, as the OCI and as Docker name them. */
export const imageMediaTypes = {
  oci: {
    index: mediaTypes.ociIndex,
    manifest: mediaTypes.ociManifest,
    config: mediaTypes.ociConfig,
    layer: {
      gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
      zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
      none: "application/vnd.oci.image.layer.v1.tar",
    },
  },
  docker: {
    index: mediaTypes.dockerManifestList,
    manifest: mediaTypes.dockerManifest,
    config: "application/vnd.docker.container.image.v1+json",
    layer: {
      gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
      none: "application/vnd.docker.image.rootfs.diff.tar",
    },
  },
} as const;

export type MediaTypeFamily = keyof typeof imageMediaTypes;
