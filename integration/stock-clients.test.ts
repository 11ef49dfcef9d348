import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { Descriptor } from "../core/descriptor.ts";
import { digestOf, hexOf } from "../core/digest.ts";
import { parseMetainfo } from "../core/metainfo.ts";
import { downloadWith, stockClients } from "./support/stock-client.ts";
import { requestHttp } from "./support/http.ts";
import { pollUntil } from "./support/poll.ts";
import { preheat } from "./support/preheat.ts";
import { smallImage } from "./support/sample-images.ts";
import { startTestCluster } from "./support/test-cluster.ts";

test("a stock BitTorrent client gets the same bytes with the tracker's torrent", async (t) => {
  const cluster = await startTestCluster(t, {
    ...{ line: "1.6", nodes: [], guests: stockClients },
  });
  const { seeder, tracker } = cluster;
  assert.ok(seeder && tracker);
  const { image, reference } = await cluster.push(smallImage("stock clients"));
  await preheat(reference, { seeder });
  const layer = image.manifests[0]?.layers[0] ?? assert.fail();
  const torrent = await torrentOf(layer);
  assert.equal(parseMetainfo(torrent).digest, layer.digest);

  for (const client of stockClients) {
    await t.test(client, async () => {
      const directory = join(cluster.directory, client);
      const torrentPath = join(cluster.directory, `${client}.torrent`);
      await writeFile(torrentPath, torrent);
      const on = cluster.network.host(client);
      const path = await downloadWith(client, { torrentPath, directory, on });
      assert.equal(hexOf(digestOf(await readFile(path))), hexOf(layer.digest));
    });
  }

  /** The seeder publishes what it has a moment after it has it. */
  async function torrentOf({ digest }: Descriptor): Promise<Buffer> {
    assert.ok(tracker);
    const path = `/v1/metainfo/${digest}`;
    const ask = async () => {
      const { status, body } = await requestHttp(tracker.admin, { path });
      return status === 200 && body;
    };
    return pollUntil(ask, { what: "the torrent at the tracker", withinMs: 60_000 });
  }
});
