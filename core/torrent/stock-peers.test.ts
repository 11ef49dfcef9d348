import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import WebTorrent from "webtorrent";

import { encodeMetainfo } from "../metainfo.ts";
import { formatPeerAddress } from "../peer-address.ts";
import { blobFixture } from "../testing/blob-fixture.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { SwarmBench } from "../testing/swarm-conformance.ts";
import { withoutIpv6 } from "../testing/without-ipv6.ts";
import { openTestSwarm } from "./open-test-swarm.test-support.ts";

const blob = blobFixture(5 * 1024 * 1024 + 3);

async function stockClient(t: TestContext): Promise<WebTorrent> {
  const client = new WebTorrent({
    ...{ dht: false, lsd: false, utp: false, natUpnp: false, natPmp: false, tracker: false },
  });
  cleanUpOf(t).defer(() => new Promise<void>((resolve) => client.destroy(resolve)));
  if (!client.listening) await once(client, "listening");
  return client;
}

for (const host of ["127.0.0.1", "::1"]) {
  const skip = host === "::1" && withoutIpv6;

  test(`a stock client gets a blob from a node that seeds it at ${host}`, { skip }, async (t) => {
    const bench = await SwarmBench.create(openTestSwarm({ host }), t);
    const node = await bench.node();
    bench.seed(node, await bench.seeded(blob));
    const client = await stockClient(t);
    const path = join(bench.folder, "stock");
    const torrent = client.add(encodeMetainfo(blob.metainfo), { path });
    await once(torrent, "ready");
    torrent.addPeer(formatPeerAddress({ host, port: node.port }));
    await once(torrent, "done");
    const [name = ""] = await readdir(path);
    assert.deepEqual(await readFile(join(path, name)), blob.bytes);
  });

  test(`a node gets a blob from a stock client that seeds it at ${host}`, { skip }, async (t) => {
    const bench = await SwarmBench.create(openTestSwarm({ host }), t);
    const client = await stockClient(t);
    const path = join(bench.folder, "stock");
    await mkdir(path);
    // The name that webtorrent gives the file: it takes the colon out.
    await writeFile(join(path, blob.digest.replace(":", "")), blob.bytes);
    const torrent = client.add(encodeMetainfo(blob.metainfo), { path });
    await once(torrent, "done");
    const peers = [{ host, port: client.torrentPort }];
    const wanted = await bench.wanted(blob, { peers });
    const download = bench.download(await bench.node(), wanted);
    await download.whole();
    assert.deepEqual(await readFile(wanted.path), blob.bytes);
    assert.equal(download.received.peers, blob.bytes.length);
  });
}

test("a stock client and a node download from each other's swarm at once", async (t) => {
  const bench = await SwarmBench.create(openTestSwarm(), t);
  const seeder = await bench.node();
  bench.seed(seeder, await bench.seeded(blob));
  const client = await stockClient(t);
  const torrent = client.add(encodeMetainfo(blob.metainfo), { path: join(bench.folder, "stock") });
  await once(torrent, "ready");
  torrent.addPeer(`127.0.0.1:${seeder.port}`);
  bench.tracker.addPeer(blob.metainfo.infoHash, { host: "127.0.0.1", port: client.torrentPort });
  const wanted = await bench.wanted(blob);
  await Promise.all([once(torrent, "done"), bench.download(await bench.node(), wanted).whole()]);
  assert.deepEqual(await readFile(wanted.path), blob.bytes);
});
