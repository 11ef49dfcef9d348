import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { digestOf, hexOf } from "../core/digest.ts";
import { withoutIpv6 } from "../core/testing/without-ipv6.ts";
import { requestHttp } from "./support/http.ts";
import { pollUntil } from "./support/poll.ts";
import { preheat } from "./support/preheat.ts";
import { writeRegistryHosts } from "./support/registry-hosts.ts";
import { askedByDigest, blobsTakenBy } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { ports } from "./support/shoal-config.ts";
import { downloadWith } from "./support/stock-client.ts";
import { startTestCluster } from "./support/test-cluster.ts";

const mirror = `[::1]:${ports.mirror}`;

/** Hosts that have no IPv4 address but that of their loopback. */
test("containerd 2.x in a network of IPv6", { skip: withoutIpv6 }, async (t) => {
  const cluster = await startTestCluster(t, {
    ...({ line: "2.x", nodes: ["node1", "node2"], guests: ["guest"], family: 6 } as const),
    contentProxy: { mirror: { enabled: true, listen: mirror } },
  });
  const { seeder, tracker, registry, network } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(first && second && seeder && tracker);

  await t.test("pulls what the seeder has, and asks the registry for the tag alone", async () => {
    const { reference } = await cluster.push(smallImage("ipv6 seeder"));
    await preheat(reference, { seeder });
    await registry.forgetRequests();

    await first.containerd.pull(reference);

    const said = await first.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    assert.deepEqual(askedByDigest(first.host, await registry.requests()), []);
  });

  await t.test("gives a stock BitTorrent client the same bytes", async () => {
    const { image, reference } = await cluster.push(smallImage("ipv6 stock"));
    await preheat(reference, { seeder });
    const layer = image.manifests[0]?.layers[0] ?? assert.fail();
    const torrent = await pollUntil(
      async () => {
        const path = `/v1/metainfo/${layer.digest}`;
        const { status, body } = await requestHttp(tracker.admin, { path });
        return status === 200 && body;
      },
      { what: "the seeder to publish what it has", withinMs: 30_000 },
    );
    const torrentPath = join(cluster.directory, "layer.torrent");
    await writeFile(torrentPath, torrent);
    const on = network.host("guest");

    const path = await downloadWith("webtorrent", {
      ...{ torrentPath, on, directory: join(cluster.directory, "guest") },
    });

    assert.equal(hexOf(digestOf(await readFile(path))), hexOf(layer.digest));
  });

  await t.test("asks the mirror of its node on ::1, which asks for the registry", async () => {
    const { reference } = await cluster.push(smallImage("ipv6 mirror"));
    await writeRegistryHosts(first.containerd.hostsPath, registry.host, [
      { url: `http://${mirror}` },
    ]);

    await first.containerd.pull(reference);

    const said = await first.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    // The mirror asks for what a tag names; a busy machine may have containerd ask as well.
    const resolvers = (await registry.requests())
      .filter(({ path }) => path.endsWith("/manifests/1"))
      .map(({ userAgent }) => userAgent);
    assert.ok(resolvers.some((agent) => agent.startsWith("shoal")));
    await writeRegistryHosts(first.containerd.hostsPath, registry.host);
  });

  await t.test("pulls from the first node when there is no seeder", async () => {
    await seeder.kill9();
    const { image, reference } = await cluster.push(smallImage("ipv6 peers"));
    await first.containerd.pull(reference);

    await second.containerd.pull(reference);

    const said = await second.containerd.runContainer(reference, ["echo", "up"]);
    assert.equal(said, "up\n");
    const requests = await registry.requests();
    const blobs = [image.manifests[0]?.config, ...(image.manifests[0]?.layers ?? [])];
    assert.equal(blobsTakenBy(first.host, requests).length, blobs.length);
    assert.deepEqual(askedByDigest(second.host, requests), []);
  });
});
