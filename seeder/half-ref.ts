import { canonicalRegistry } from "../core/registry-name.ts";
import type { OriginBlob } from "./blob-fetch.ts";

/**
 * The ref under which what a registry gave of a blob is found again, by who goes on with it: the
 * bytes of another one would be added to what nobody has checked.
 */
export function halfRefOf({
  descriptor,
  registry,
}: Pick<OriginBlob, "descriptor" | "registry">): string {
  return `${descriptor.digest} ${canonicalRegistry(registry)}`;
}
