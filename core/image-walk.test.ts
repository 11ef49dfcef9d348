import assert from "node:assert/strict";
import { test } from "node:test";

import type { Descriptor } from "./descriptor.ts";
import { parseDigest } from "./digest.ts";
import { mediaTypes } from "./media-type.ts";
import { blobsBelow } from "./image-walk.ts";

function descriptorOf(index: number, mediaType: string): Descriptor {
  return {
    mediaType,
    digest: parseDigest(`sha256:${index.toString(16).padStart(64, "0")}`),
    size: 1,
  };
}

test("blobsBelow() cuts off an index that names more than an image has", async () => {
  const manifests = Array.from({ length: 11 }, (_, index) =>
    descriptorOf(index, mediaTypes.ociManifest),
  );
  const top = descriptorOf(999_999, mediaTypes.ociIndex);
  const failed: string[] = [];
  const blobs = await blobsBelow(top, {
    platforms: "all",
    manifest: async (descriptor) => {
      const index = manifests.findIndex(({ digest }) => digest === descriptor.digest);
      const layers = Array.from({ length: 1000 }, (_, layer) =>
        descriptorOf(1000 * (index + 1) + layer, "layer"),
      );
      const document = index < 0 ? { manifests } : { config: layers[0], layers };
      return Buffer.from(JSON.stringify(document));
    },
    onFailure: (_, error) => failed.push(String(error)),
  });
  assert.equal(blobs.length, 9000);
  assert.equal(failed.length, 2);
  assert.match(failed[0] ?? "", /over 10000 parts/);
});

test("blobsBelow() rejects when the top cannot be read, or is longer than any manifest", async () => {
  const deps = {
    platforms: "all",
    manifest: async () => Buffer.from("{"),
    onFailure: () => assert.fail("told"),
  } as const;
  const top = descriptorOf(1, mediaTypes.ociIndex);
  await assert.rejects(blobsBelow(top, deps), /not JSON/);
  await assert.rejects(blobsBelow({ ...top, size: 5_000_000 }, deps), /too long/);
});
