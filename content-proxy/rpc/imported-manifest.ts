import { parseImageManifest } from "../../core/image-manifest.ts";
import type { BlobReader } from "../../core/ports/blob-store.ts";

/**
 * Whether a manifest or index that containerd is writing is part of an import, and not of a
 * pull. When containerd imports an archive it makes manifests and indexes itself, and writes
 * them under the refs that pulls have. But a pull brings a manifest before what it names; an
 * import first brings the config or the manifests, which are local then.
 *
 * @see containerd core/images/archive/importer.go: writeManifest
 */
export function isImportedManifest(bytes: Uint8Array, store: Pick<BlobReader, "find">): boolean {
  try {
    const manifest = parseImageManifest(bytes);
    const named =
      manifest.kind === "manifest"
        ? [manifest.config]
        : manifest.manifests.map(({ descriptor }) => descriptor);
    return named.some(({ digest }) => store.find(digest)?.provenance === "local");
  } catch {
    return false;
  }
}
