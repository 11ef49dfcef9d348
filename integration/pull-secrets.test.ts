import assert from "node:assert/strict";
import { test } from "node:test";

import { CriClient } from "./support/cri-client.ts";
import { startRecorder } from "./support/recorder.ts";
import { basicCredentials, registryUser } from "./support/registry-auth.ts";
import { blobsAskedByEngine, blobsGivenTwice } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { mirrorAddress, ports, seederUrl, trackerUrl } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";

const credentials = { username: registryUser.name, password: registryUser.password };

/** What of the pull secret must stay between engine, mirror and registry. */
const secrets = [registryUser.password, basicCredentials(registryUser).split(" ")[1] ?? ""];

/** One registry with tokens, and a node that reaches seeder and tracker by recorders alone. */
test("pull secrets of a registry with tokens", async (t) => {
  const cluster = await startTestCluster(t, {
    ...({ line: "1.7", nodes: ["node1"], mirror: "alone", withCri: true } as const),
    ...({ guests: ["recorder"], isPrivate: "token" } as const),
    contentProxy: (network) => ({
      mirror: { enabled: true, listen: mirrorAddress, access: "challenge" },
      seeders: [seederUrl(network.host("recorder"))],
      trackers: [trackerUrl(network.host("recorder"))],
    }),
  });
  const { seeder, tracker, registry, network, stack } = cluster;
  const [node] = cluster.nodes;
  assert.ok(node && seeder && tracker);
  const on = network.host("recorder");
  const before = [
    { port: ports.seeder, behind: seeder.admin },
    { port: ports.tracker, behind: tracker.admin },
  ];
  const [toSeeder, toTracker] = await Promise.all(
    before.map(async (place) => stack.use(await startRecorder({ on, ...place }))),
  );
  assert.ok(toSeeder && toTracker);
  const cri = stack.use(await CriClient.open(node.containerd.socketPath));
  await cri.untilReady();
  const name = "samples/secret:1";
  const { image, reference } = await cluster.push(smallImage("token secret"), { name });
  const assertGood = async (id: string, pulled: string) => {
    assert.equal(id, image.manifests[0]?.config.digest);
    const options = { namespace: "k8s.io" };
    assert.equal(await node.containerd.runContainer(pulled, ["echo", "up"], options), "up\n");
  };

  await t.test("without one the refusal is the registry's own", async () => {
    await assert.rejects(cri.pullImage(reference), /401|authorization failed/i);
    const refused = cluster.tokens?.requests.filter(({ isGranted }) => !isGranted) ?? [];
    assert.ok(refused.length > 0);
  });

  await t.test("with one a cold image comes by the seeder, who is not told it", async () => {
    await registry.forgetRequests();
    await assertGood(await cri.pullImage(reference, credentials), reference);
    const requests = await registry.requests();
    assert.deepEqual(blobsAskedByEngine(requests), []);
    assert.deepEqual(blobsGivenTwice(requests), []);
    assert.ok(toSeeder.said().some((said) => said.includes("POST /v1/fetch ")));
    assert.notEqual(toTracker.said().length, 0);
    for (const said of [...toSeeder.said(), ...toTracker.said()]) {
      for (const secret of secrets) assert.ok(!said.includes(secret));
      assert.doesNotMatch(said.toString("latin1"), /^authorization:/im);
    }
  });

  await t.test("one that names its registry is for it alone, and the pull ends right", async () => {
    const auth = { ...credentials, serverAddress: `http://${registry.host}` };
    const other = await cluster.push(smallImage("token secret"), { name: "samples/named:1" });
    await cri.removeImage(reference);
    await assertGood(await cri.pullImage(other.reference, auth), other.reference);
  });
});
