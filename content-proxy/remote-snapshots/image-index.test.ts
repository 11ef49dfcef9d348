import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { chainIdsOf } from "../../core/chain-id.ts";
import { type Digest, digestOf } from "../../core/digest.ts";
import type { BlobReader, BlobRecord } from "../../core/ports/blob-store.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { ImageIndex } from "./image-index.ts";

const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Blobs of containerd's in memory, and how often each was read. */
class Blobs implements Pick<BlobReader, "find" | "records" | "read"> {
  readonly reads: Digest[] = [];
  readonly #records = new Map<Digest, BlobRecord>();
  readonly #bytes = new Map<Digest, Buffer>();
  #now = 0n;

  add(bytes: Buffer, change: Partial<BlobRecord> = {}): Digest {
    const digest = digestOf(bytes);
    const now = ++this.#now;
    this.#bytes.set(digest, bytes);
    this.#records.set(digest, {
      ...{ digest, size: bytes.length, createdAt: now, updatedAt: now, labels: {} },
      ...{ provenance: "pull", owned: true, whole: true },
      ...change,
    });
    return digest;
  }

  find(digest: Digest): BlobRecord | undefined {
    return this.#records.get(digest);
  }

  records(): Iterable<BlobRecord> {
    return this.#records.values();
  }

  async *read(digest: Digest, { end }: { readonly end: number }): AsyncGenerator<Uint8Array, void> {
    this.reads.push(digest);
    yield (this.#bytes.get(digest) ?? Buffer.alloc(0)).subarray(0, end);
  }
}

interface Image {
  readonly manifest: Buffer;
  readonly config: Buffer;
  readonly chainIds: readonly Digest[];
  readonly layers: readonly Digest[];
}

/** An image whose layers are those texts; `salt` makes other blobs of the same layers. */
function imageOf(texts: readonly string[], salt = ""): Image {
  const diffIds = texts.map((text) => digestOf(Buffer.from(text)));
  const config = json({ rootfs: { type: "layers", diff_ids: diffIds }, salt });
  const layers = texts.map((text) => digestOf(Buffer.from(`${text} compressed ${salt}`)));
  const manifest = json({
    config: { mediaType: "x/config", digest: digestOf(config), size: config.length },
    layers: layers.map((digest) => ({ mediaType: layerType, digest, size: 100 })),
  });
  return { manifest, config, chainIds: chainIdsOf(diffIds), layers };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function open(t: TestContext, blobs = new Blobs()) {
  const index = cleanUpOf(t).use(new ImageIndex({ store: blobs, logger: new MemoryLogger() }));
  const find = async (chainId: Digest | undefined, manifest?: Digest) => {
    assert.ok(chainId);
    return index.find(chainId, { manifest, signal: t.signal });
  };
  return { blobs, index, find };
}

test("a layer is found by its chainID as soon as manifest and config are containerd's", async (t) => {
  const { blobs, find } = open(t);
  const image = imageOf(["base", "app"]);
  blobs.add(image.manifest);
  assert.equal(await find(image.chainIds[1]), undefined);
  blobs.add(image.config);
  const place = await find(image.chainIds[1]);
  assert.equal(place?.index, 1);
  assert.equal(place.layer.descriptor.digest, image.layers[1]);
  assert.equal(place.image.layers.length, 2);
  assert.equal(await find(digestOf(Buffer.from("nobody's"))), undefined);
});

test("blobs that are not containerd's, or have not arrived, tell nothing", async (t) => {
  const { blobs, find } = open(t);
  const image = imageOf(["base"]);
  blobs.add(image.config);
  blobs.add(image.manifest, { owned: false });
  assert.equal(await find(image.chainIds[0]), undefined);
  blobs.add(image.manifest, { whole: false });
  assert.equal(await find(image.chainIds[0]), undefined);
  assert.deepEqual(blobs.reads.includes(digestOf(image.manifest)), false);
});

test("a blob is looked into once, and again when it became containerd's anew", async (t) => {
  const { blobs, find } = open(t);
  const image = imageOf(["base"]);
  for (const bytes of [image.config, image.manifest, Buffer.from([0x1f, 0x8b, 8])])
    blobs.add(bytes);
  await find(image.chainIds[0]);
  const readsOfFirst = blobs.reads.length;
  await find(image.chainIds[0]);
  assert.equal(blobs.reads.length, readsOfFirst);
  blobs.add(image.manifest);
  await find(image.chainIds[0]);
  assert.ok(blobs.reads.length > readsOfFirst);
});

test("the newest image that has a layer is the one, unless a hint names another", async (t) => {
  const { blobs, find } = open(t);
  const [old, young] = [imageOf(["base", "old"]), imageOf(["base", "young"], "recompressed")];
  for (const bytes of [old.config, old.manifest, young.config, young.manifest]) blobs.add(bytes);
  const [base] = old.chainIds;
  assert.equal((await find(base))?.layer.descriptor.digest, young.layers[0]);
  assert.equal((await find(base, digestOf(old.manifest)))?.layer.descriptor.digest, old.layers[0]);
  const unknown = digestOf(Buffer.from("hint that names nothing"));
  assert.equal((await find(base, unknown))?.layer.descriptor.digest, young.layers[0]);
  const [, top] = old.chainIds;
  assert.equal((await find(top, digestOf(young.manifest)))?.image.manifest, digestOf(old.manifest));
});

test("what is malformed is passed over, and hides nothing", async (t) => {
  const { blobs, find } = open(t);
  const image = imageOf(["base", "app"]);
  const odd = imageOf(["odd"]);
  const bad = [
    Buffer.from("{"),
    Buffer.from(" "),
    json({ manifests: [] }),
    json({ ...JSON.parse(odd.manifest.toString()), layers: [{}] }),
    json({ ...JSON.parse(odd.manifest.toString()), layers: [] }),
    json({
      config: { digest: digestOf(image.layers.length ? odd.config : odd.manifest), size: 2 },
    }),
  ];
  const twoForOne = json({
    ...JSON.parse(odd.manifest.toString()),
    layers: [1, 2].map(() => ({ mediaType: layerType, digest: image.layers[0], size: 1 })),
  });
  for (const bytes of [...bad, twoForOne, odd.config]) blobs.add(bytes);
  for (const bytes of [image.config, image.manifest]) blobs.add(bytes);
  assert.equal((await find(image.chainIds[0]))?.index, 0);
  assert.equal(await find(odd.chainIds[0]), undefined);
});

test("a manifest whose config is none is not looked at again", async (t) => {
  const { blobs, find } = open(t);
  const { manifest, config } = imageOf(["base"]);
  const attestation = Buffer.from("{}");
  blobs.add(
    json({
      ...JSON.parse(manifest.toString()),
      config: { digest: digestOf(attestation), size: 2 },
    }),
  );
  blobs.add(attestation);
  await find(digestOf(config));
  const reads = blobs.reads.length;
  await find(digestOf(config));
  assert.equal(blobs.reads.length, reads);
});

test("a caller that goes away does not take the answer from others", async (t) => {
  const { blobs, index, find } = open(t);
  const image = imageOf(["base"]);
  for (const bytes of [image.config, image.manifest]) blobs.add(bytes);
  const [chainId] = image.chainIds;
  assert.ok(chainId);
  const leaving = new AbortController();
  const left = index.find(chainId, { signal: leaving.signal });
  const stayed = find(chainId);
  leaving.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  assert.equal((await stayed)?.index, 0);
});
