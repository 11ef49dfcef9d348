import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { Descriptor } from "../core/descriptor.ts";
import { hexOf } from "../core/digest.ts";
import { createMetainfo, encodeMetainfo, type Metainfo } from "../core/metainfo.ts";
import { PieceHasher } from "../core/piece-hasher.ts";
import { pieceLayoutOf } from "../core/piece-layout.ts";
import { seedWithAria2 } from "./support/aria2.ts";
import type { ClusterNode } from "./support/cluster.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { requestHttp } from "./support/http.ts";
import { blobPath } from "./support/image.ts";
import { pollUntil } from "./support/poll.ts";
import { preheat } from "./support/preheat.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { checkedBlobs, damageFile, storedBlobPath } from "./support/store-files.ts";
import { startTestCluster, type PushedImage } from "./support/test-cluster.ts";

/** A seeder so slow that nodes look for others too. */
const slowBitsPerSecond = 20_000_000;
const peerBitsPerSecond = 40_000_000;

for (const line of containerdLines) {
  test(`containerd ${line} in bad company`, async (t) => {
    const nodes = ["node1", "node2"];
    const bitsPerSecond = { seeder: slowBitsPerSecond, node1: peerBitsPerSecond };
    // Directories are up, and what they name does not always exist.
    const contentProxy = { pull: { lookupTimeoutMs: 15_000 } };
    const options = { line, nodes, bitsPerSecond, contentProxy, guests: ["liar"], isHasty: true };
    const cluster = await startTestCluster(t, options);
    const { seeder, tracker, registry } = cluster;
    const [first, second] = cluster.nodes;
    assert.ok(first?.proxy && second?.proxy && seeder && tracker);
    const { proxy, containerd, host, storePath } = second;
    const assertGood = async ({ reference, image }: PushedImage) => {
      const said = await containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      const blobs = await checkedBlobs(storePath);
      for (const { digest } of layersOf({ image })) assert.ok(blobs.includes(digest));
    };
    const publish = async (metainfo: Metainfo) => {
      const path = `/v1/metainfo/${metainfo.digest}`;
      const body = encodeMetainfo(metainfo);
      const { status } = await requestHttp(tracker.admin, { method: "PUT", path, body });
      assert.equal(status, 201);
    };

    await t.test("drops the wrong pieces of a peer, and bans it", async () => {
      const pushed = await cluster.push(smallImage(`peer ${line}`));
      await first.containerd.pull(pushed.reference);
      for (const layer of layersOf(pushed)) {
        await damageFile(storedBlobPath(first.storePath, layer));
      }
      await preheat(pushed.reference, { seeder });
      await registry.forgetRequests();

      await containerd.pull(pushed.reference);

      await assertGood(pushed);
      assert.deepEqual(askedByDigest(host, await registry.requests()), []);
      assert.match(await proxy.log(), /"banned":true.*peer gave a wrong piece/);
    });

    await t.test("is not misled by metainfo with wrong hashes", async () => {
      const pushed = await cluster.push(smallImage(`hashes ${line}`));
      for (const layer of layersOf(pushed)) await publish(otherContent(layer).metainfo);

      await containerd.pull(pushed.reference);

      await assertGood(pushed);
    });

    await t.test("is not misled by stock clients with other content of that size", async () => {
      const pushed = await cluster.push(smallImage(`content ${line}`));
      const on = cluster.network.host("liar");
      for (const layer of layersOf(pushed)) {
        const { metainfo, bytes } = otherContent(layer);
        await publish(metainfo);
        const { directory } = cluster;
        cluster.stack.use(await seedWithAria2({ metainfo, bytes, on, tracker, directory }));
      }

      await containerd.pull(pushed.reference);

      await assertGood(pushed);
    });

    await t.test("is not misled by a node with other content of that size", async () => {
      const pushed = await cluster.push(smallImage(`node ${line}`));
      await first.containerd.pull(pushed.reference);
      await first.proxy?.stop();
      for (const layer of layersOf(pushed)) await forge(first, layer);
      await tracker.kill9();
      await tracker.resume();
      await first.proxy?.resume();

      await containerd.pull(pushed.reference);

      await assertGood(pushed);
    });

    await t.test("commits nothing wrong that a registry gives", async () => {
      const pushed = await cluster.push(smallImage(`registry ${line}`));
      const [layer] = layersOf(pushed);
      assert.ok(layer);
      const hex = hexOf(layer.digest);
      const path = ["docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data"];
      const inRegistry = join(registry.dataPath, ...path);
      await damageFile(inRegistry);

      // By what was read of a layer that a seeder was still receiving, or by all of it.
      const failed = /failed to extract layer|digest is sha256:.*, want sha256:/;
      await assert.rejects(containerd.pull(pushed.reference), failed);
      await assert.rejects(preheat(pushed.reference, { seeder }));
      assert.ok(!(await checkedBlobs(storePath)).includes(layer.digest));

      await writeFile(inRegistry, await readFile(blobPath(pushed.image, layer)));
      // The seeder may be at it still with what it was given before.
      const pulled = () => containerd.pull(pushed.reference).then(() => true);
      await pollUntil(() => pulled().catch(() => false), { what: "a pull", withinMs: 60_000 });
      await assertGood(pushed);
    });
  });
}

function layersOf({ image }: Pick<PushedImage, "image">): readonly Descriptor[] {
  return image.manifests[0]?.layers ?? [];
}

/** Describes other bytes as if they were a blob. */
function otherContent({ digest, size }: Descriptor): { metainfo: Metainfo; bytes: Buffer } {
  const bytes = Buffer.alloc(size, "other");
  const hasher = new PieceHasher(pieceLayoutOf(size).pieceLength);
  hasher.update(bytes);
  return { metainfo: createMetainfo({ digest, size, pieceHashes: hasher.digest() }), bytes };
}

/** Makes a node believe, once it is started again, that a blob is something else. */
async function forge({ storePath }: ClusterNode, layer: Descriptor): Promise<void> {
  const { metainfo, bytes } = otherContent(layer);
  const inState = (kind: string, suffix: string) =>
    join(storePath, "shoal", "v1", kind, "sha256", `${hexOf(layer.digest)}${suffix}`);
  await writeFile(storedBlobPath(storePath, layer), bytes);
  await writeFile(inState("metainfo", ".torrent"), encodeMetainfo(metainfo));
  const recordPath = inState("records", ".json");
  const record = JSON.parse(await readFile(recordPath, "utf8")) as object;
  await writeFile(recordPath, JSON.stringify({ ...record, infoHash: metainfo.infoHash }));
}
