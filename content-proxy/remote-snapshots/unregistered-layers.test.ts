import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { type Digest, digestOf } from "../../core/digest.ts";
import { UnavailableError } from "../../core/errors.ts";
import { LayerNode, textImage } from "./layer-node.test-support.ts";
import { unregisteredLayers } from "./unregistered-layers.ts";

const image = textImage(["base", "top"]);
const [base, top] = image.layers;
assert.ok(base && top);

/** A node that has unpacked the image, and a containerd that knows of it and of some blobs. */
async function open(t: TestContext) {
  const node = await LayerNode.open(t);
  await node.pullManifest(image);
  for (const { bytes } of image.layers) await node.write(bytes);
  await node.prepare(base);
  await node.prepare(top, base?.chainId);
  const targets = new Map<string, readonly Digest[]>([["default", [digestOf(image.manifest)]]]);
  const known = new Set<string>();
  const find = async () => {
    const found: string[] = [];
    const metadata = {
      namespaces: async () => [...targets.keys()],
      imageTargets: async ({ namespace }: { namespace: string }) => targets.get(namespace) ?? [],
      labelsOf: async (digest: Digest, { namespace }: { namespace: string }) =>
        known.has(`${namespace} ${digest}`) ? {} : undefined,
    };
    const { snapshots, store } = node;
    for await (const { layer, manifest, namespace } of unregisteredLayers(
      { metadata, snapshots, store },
      t,
    )) {
      assert.equal(manifest, digestOf(image.manifest));
      found.push(`${namespace} ${layer.descriptor.digest}`);
    }
    return found;
  };
  return { node, targets, known, find };
}

test("layers of images that containerd does not know the blobs of are found", async (t) => {
  const { known, targets, find } = await open(t);
  const [first, second] = [base, top].map(({ descriptor }) => `default ${descriptor.digest}`);
  assert.ok(first && second);
  assert.deepEqual(await find(), [first, second]);
  known.add(first);
  assert.deepEqual(await find(), [second]);
  known.add(second);
  targets.set("other", [digestOf(image.manifest)]);
  assert.deepEqual(await find(), [
    `other ${base.descriptor.digest}`,
    `other ${top.descriptor.digest}`,
  ]);
});

test("images are found through an index, and others are passed over", async (t) => {
  const { node, targets, find } = await open(t);
  const other = textImage(["unpacked by containerd"]);
  await node.pullManifest(other);
  const entries = [image.manifest, other.manifest, Buffer.from("not here")].map((bytes) => ({
    ...{ mediaType: "x/y", digest: digestOf(bytes), size: bytes.length },
  }));
  const index = await node.write(Buffer.from(JSON.stringify({ manifests: entries })));
  const nothing = digestOf(Buffer.from("nothing"));
  const noManifest = await node.write(Buffer.from("no manifest"));
  targets.set("default", [nothing, noManifest, digestOf(other.manifest), index, index]);
  assert.equal((await find()).length, 2);
});

test("containerd is not asked when no layer was unpacked here", async (t) => {
  const { snapshots, store } = await LayerNode.open(t);
  const fail = async () => Promise.reject(new UnavailableError("Cannot ask containerd"));
  const metadata = { namespaces: fail, imageTargets: fail, labelsOf: fail };
  const found = unregisteredLayers({ metadata, snapshots, store }, t);
  assert.equal((await found.next()).done, true);
});
