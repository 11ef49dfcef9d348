import assert from "node:assert/strict";
import { test } from "node:test";

import { chainIdsOf } from "../../core/chain-id.ts";
import { digestOf } from "../../core/digest.ts";
import { InvalidArgumentError } from "../../core/errors.ts";
import { layeredImageOf } from "./layered-image.ts";

const digest = digestOf(Buffer.from("manifest"));
const diffIds = ["lower", "upper"].map((text) => digestOf(Buffer.from(text)));

function blob(text: string, mediaType = "application/vnd.oci.image.layer.v1.tar+gzip") {
  return { mediaType, digest: digestOf(Buffer.from(text)), size: text.length };
}

test("layeredImageOf() gives each layer its diffID, its chainID and its blob", () => {
  const layers = [blob("lower gz"), blob("upper gz")];
  const chainIds = chainIdsOf(diffIds);
  assert.deepEqual(layeredImageOf({ digest, layers }, { diffIds }), {
    manifest: digest,
    layers: layers.map((descriptor, index) => ({
      ...{ descriptor, diffId: diffIds[index], chainId: chainIds[index] },
    })),
  });
});

test("layeredImageOf() counts as containerd does: what is no layer has no diffID", () => {
  const attestation = blob("statement", "application/vnd.in-toto+json");
  const layers = [blob("lower gz"), attestation, blob("upper gz")];
  const { layers: found } = layeredImageOf({ digest, layers }, { diffIds });
  assert.deepEqual(
    found.map(({ descriptor }) => descriptor),
    [layers[0], layers[2]],
  );
});

test("layeredImageOf() refuses an image with more or fewer layers than diffIDs", () => {
  const layers = [blob("a"), blob("b"), blob("c")];
  for (const some of [layers, layers.slice(0, 1), []]) {
    assert.throws(
      () => layeredImageOf({ digest, layers: some }, { diffIds }),
      InvalidArgumentError,
    );
  }
});
