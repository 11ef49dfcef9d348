import { type Digest, digestOf } from "./digest.ts";

/**
 * Names the stack of a layer and all layers below it: one for each of `diffIds`, which are
 * those of an image from its lowest layer on. The lowest layer's is its diffID.
 *
 * @see OCI image-spec v1.1, config.md: Layer ChainID
 */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chainIds: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chainIds.at(-1);
    chainIds.push(below === undefined ? diffId : digestOf(Buffer.from(`${below} ${diffId}`)));
  }
  return chainIds;
}
