import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { isDownload } from "./support/access-log.ts";
import { requestHttp, type HttpResponse } from "./support/http.ts";
import { preheat } from "./support/preheat.ts";
import { smallImage } from "./support/sample-images.ts";
import { ports } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { openTunnel } from "./support/tunnel.ts";

/** One cluster of which one service after the other goes away. */
test("containerd 1.6 with its own content store and our mirror", async (t) => {
  const cluster = await startTestCluster(t, {
    ...({ line: "1.6", nodes: ["node1", "node2"], mirror: "alone" } as const),
    // The test reaches in by the host's own address.
    contentProxy: { mirror: { enabled: true, listen: `0.0.0.0:${ports.mirror}` } },
  });
  const { seeder, tracker, registry, stack } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(first && second && seeder && tracker);
  const tunnel = stack.use(await openTunnel(first.host, ports.mirror));
  const image = await cluster.push(smallImage("mirror"), { name: "samples/mirror:1" });
  const [manifest] = image.image.manifests;
  assert.ok(manifest);
  const ask = (
    path: string,
    options: { readonly method?: string; readonly headers?: Record<string, string> } = {},
  ): Promise<HttpResponse> =>
    requestHttp(tunnel.endpoint, {
      path: `/v2/samples/mirror/${path}?ns=${registry.host}`,
      ...options,
    });

  await t.test(
    "gives containerd all of an image, and asks the registry for the tag alone",
    async () => {
      await preheat(image.reference, { seeder });
      await registry.forgetRequests();

      await first.containerd.pull(image.reference);

      const said = await first.containerd.runContainer(image.reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      const requests = await registry.requests();
      const asked = new Set(requests.map(({ method, path }) => `${method} ${path}`));
      assert.deepEqual([...asked], ["HEAD /v2/samples/mirror/manifests/1"]);
    },
  );

  await t.test(
    "has a seeder get what nobody has, each blob once, for two nodes at once",
    async () => {
      const layers = [{ compression: "none", sizeBytes: 20_000_000, of: "random" }] as const;
      const { image: cold, reference } = await cluster.push({ seed: "mirror cold", layers });

      await Promise.all(cluster.nodes.map(({ containerd }) => containerd.pull(reference)));

      const said = await first.containerd.runContainer(reference, ["echo", "up"]);
      assert.equal(said, "up\n");
      const downloads = (await registry.requests()).filter(isDownload);
      const [named] = cold.manifests;
      const blobs = named && [named.config, ...named.layers].map(({ digest }) => digest);
      const taken = downloads.flatMap(({ path }) => /blobs\/(.*)/.exec(path)?.[1] ?? []);
      assert.deepEqual(taken.toSorted(), blobs?.toSorted());
      const byEngine = downloads.filter(({ userAgent }) => !userAgent.startsWith("shoal"));
      assert.deepEqual(byEngine, []);
    },
  );

  await t.test("gives clients each part of it, whole or in ranges", async () => {
    const [layer] = manifest.layers;
    assert.ok(layer);
    const tagged = await ask("manifests/1");
    assert.equal(tagged.status, 200);
    assert.equal(digestOf(tagged.body), tagged.headers["docker-content-digest"]);
    const whole = await ask(`blobs/${layer.digest}`);
    assert.deepEqual([whole.status, digestOf(whole.body)], [200, layer.digest]);
    const head = await ask(`blobs/${layer.digest}`, { method: "HEAD" });
    assert.equal(head.headers["content-length"], String(layer.size));
    const headers = { range: "bytes=1-3" };
    const part = await ask(`blobs/${layer.digest}`, { headers });
    assert.equal(part.status, 206);
    assert.ok(part.body.equals(whole.body.subarray(1, 4)));
    const several = await ask(`blobs/${layer.digest}`, { headers: { range: "bytes=1-3,7-9" } });
    assert.match(String(several.headers["content-type"]), /^multipart\/byteranges/);
  });

  await t.test("lists what the registry lists", async () => {
    const tags = await ask("tags/list");
    assert.deepEqual(JSON.parse(tags.body.toString()), { name: "samples/mirror", tags: ["1"] });
    // Debian's registry does not know referrers: what stands in for them is not there either.
    const referrers = await ask(`referrers/${digestOf(Buffer.from("nothing"))}`);
    assert.equal(referrers.status, 200);
    const { manifests } = JSON.parse(referrers.body.toString()) as { manifests: unknown };
    assert.deepEqual(manifests, []);
  });

  await t.test("sends containerd to the registry when nobody else is there", async () => {
    await seeder.kill9();
    await tracker.kill9();
    const { reference } = await cluster.push(smallImage("mirror alone"));

    await second.containerd.pull(reference);

    assert.equal(await second.containerd.runContainer(reference, ["echo", "up"]), "up\n");
  });

  await t.test("does not matter to a pull when it is down itself", async () => {
    await second.proxy?.kill9();
    const { reference } = await cluster.push(smallImage("mirror down"));

    await second.containerd.pull(reference);

    assert.equal(await second.containerd.runContainer(reference, ["echo", "up"]), "up\n");
  });
});
