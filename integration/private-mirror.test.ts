import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { SystemClock } from "../core/system/system-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseContentProxyConfig } from "../content-proxy/config.ts";
import { startContentProxy } from "../content-proxy/service.ts";
import { isDownload } from "./support/access-log.ts";
import { containerdLines } from "./support/containerd-release.ts";
import { CriClient } from "./support/cri-client.ts";
import { requestHttp, type HttpResponse } from "./support/http.ts";
import { pushImage } from "./support/image-push.ts";
import { buildImage } from "./support/image.ts";
import { stackOf } from "./support/interruptible.ts";
import { preheat } from "./support/preheat.ts";
import { basicCredentials, registryUser } from "./support/registry-auth.ts";
import { startRegistry } from "./support/registry.ts";
import { askedByDigest } from "./support/registry-traffic.ts";
import { smallImage } from "./support/sample-images.ts";
import { ports } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";
import { createTestDirectory } from "./support/test-directory.ts";
import { startTokenServer } from "./support/token-server.ts";
import { openTunnel } from "./support/tunnel.ts";

const { name: username, password } = registryUser;
const right = basicCredentials(registryUser);
const wrongPassword = "hook and sinker";
const wrong = `Basic ${Buffer.from(`${username}:${wrongPassword}`).toString("base64")}`;

/** What no log and no file of ours may hold. */
const secrets = [password, wrongPassword, ...[right, wrong].map((text) => text.split(" ")[1])];

function codeIn({ body }: HttpResponse): string | undefined {
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string }[] };
  return errors[0]?.code;
}

function assertNoSecret(log: string): void {
  assert.notEqual(log, "");
  for (const secret of secrets) assert.ok(secret !== undefined && !log.includes(secret));
}

/** One cluster each: later steps find what earlier ones have brought to its node. */
for (const line of containerdLines) {
  test(`containerd ${line}, a registry with passwords, and a mirror that asks for them`, async (t) => {
    const mirror = { enabled: true, listen: `0.0.0.0:${ports.mirror}`, access: "challenge" };
    const cluster = await startTestCluster(t, {
      ...({ line, nodes: ["node1"], withCri: true, mirror: "alone" } as const),
      ...{ isPrivate: true, contentProxy: { mirror } },
    });
    const { seeder, tracker, registry, stack } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder && tracker);
    const { reference, image } = await cluster.push(smallImage("secret"), {
      name: "samples/secret:1",
    });
    await cluster.push(smallImage("other"), { name: "samples/other:1" });
    await preheat(reference, { seeder });
    await registry.forgetRequests();
    const [manifest] = image.manifests;
    const [layer] = manifest?.layers ?? [];
    assert.ok(manifest && layer);
    const tunnel = stack.use(await openTunnel(node.host, ports.mirror));
    const ask = (path: string, authorization?: string): Promise<HttpResponse> =>
      requestHttp(tunnel.endpoint, {
        path: `/v2/${path}${path.includes("?") ? "&" : "?"}ns=${registry.host}`,
        headers: authorization === undefined ? {} : { authorization },
      });
    const cri = stack.use(await CriClient.open(node.containerd.socketPath));
    await cri.untilReady();

    await t.test("nobody gets anything, and is asked who he is", async () => {
      for (const path of ["manifests/1", `blobs/${layer.digest}`, "tags/list"]) {
        const answer = await ask(`samples/secret/${path}`);
        assert.deepEqual([answer.status, codeIn(answer)], [401, "UNAUTHORIZED"]);
        assert.match(answer.headers["www-authenticate"] ?? "", /^Basic realm="/);
      }
      await assert.rejects(cri.pullImage(reference), /401|authorization|basic auth/i);
    });

    await t.test("a wrong password gets the registry's own refusal", async () => {
      const answer = await ask("samples/secret/manifests/1", wrong);
      const own = await requestHttp(registry.endpoint, {
        path: "/v2/samples/secret/manifests/1",
        headers: { authorization: wrong },
      });
      assert.equal(answer.status, own.status);
      assert.deepEqual(answer.body, own.body);
      const auth = { username, password: wrongPassword };
      await assert.rejects(cri.pullImage(reference, auth), /401|authorization/i);
    });

    await t.test("the pull secret gets all of it from the cluster", async () => {
      await registry.forgetRequests();
      await cri.pullImage(reference, { username, password });
      const requests = await registry.requests();
      assert.deepEqual(askedByDigest(node.host, requests), []);
      assert.deepEqual(requests.filter(isDownload), []);
      assert.notEqual(requests.length, 0);
    });

    await t.test("others get nothing, although the node has all of it now", async () => {
      const tags = await ask("samples/secret/tags/list", right);
      assert.deepEqual(JSON.parse(tags.body.toString()), { name: "samples/secret", tags: ["1"] });
      for (const path of ["manifests/1", `manifests/${manifest.descriptor.digest}`]) {
        assert.equal((await ask(`samples/secret/${path}`, right)).status, 200);
        assert.equal((await ask(`samples/secret/${path}`, wrong)).status, 401);
        assert.equal((await ask(`samples/secret/${path}`)).status, 401);
      }
      const blob = `samples/secret/blobs/${layer.digest}`;
      assert.equal((await ask(blob, right)).body.byteLength, layer.size);
      assert.equal((await ask(blob, wrong)).status, 401);
      assert.equal((await ask(blob)).status, 401);
      await cri.removeImage(reference);
      await assert.rejects(cri.pullImage(reference), /401|authorization|basic auth/i);
      const auth = { username, password: wrongPassword };
      await assert.rejects(cri.pullImage(reference, auth), /401|authorization/i);
    });

    await t.test("a digest is not given under another repository's name", async () => {
      assert.equal((await ask("samples/other/manifests/1", right)).status, 200);
      const blob = await ask(`samples/other/blobs/${layer.digest}`, right);
      assert.deepEqual([blob.status, codeIn(blob)], [404, "BLOB_UNKNOWN"]);
      const named = await ask(`samples/other/manifests/${manifest.descriptor.digest}`, right);
      assert.deepEqual([named.status, codeIn(named)], [404, "MANIFEST_UNKNOWN"]);
    });

    await t.test("registries that nobody configured are left to the client", async () => {
      const answer = await requestHttp(tunnel.endpoint, {
        path: `/v2/samples/secret/blobs/${layer.digest}?ns=registry.example`,
      });
      assert.equal(answer.status, 404);
    });

    await t.test(
      "without the registry a right holds for a while, and nobody gets a new one",
      async () => {
        assert.equal((await ask("samples/secret/manifests/1", right)).status, 200);
        await registry[Symbol.asyncDispose]();
        const blob = await ask(`samples/secret/blobs/${layer.digest}`, right);
        assert.deepEqual([blob.status, blob.body.byteLength], [200, layer.size]);
        assert.equal((await ask(`samples/secret/blobs/${layer.digest}`, wrong)).status, 503);
      },
    );

    await t.test("no log and no file of state has a secret in it", async () => {
      for (const daemon of [node.proxy, seeder, tracker])
        assertNoSecret((await daemon?.log()) ?? "");
      const known = join(cluster.directory, "seeder", "store", "tags.jsonl");
      assertNoSecret(await readFile(known, "utf8"));
    });
  });
}

test("a seeder that has no login fetches with that of a client, where nodes may pass it on", async (t) => {
  const listen = `0.0.0.0:${ports.mirror}`;
  const mirror = { enabled: true, listen, access: "challenge", credentialsToSeeders: true };
  const cluster = await startTestCluster(t, {
    ...({ line: "1.6", nodes: ["node1"], withCri: true, mirror: "alone" } as const),
    ...{ isPrivate: true, contentProxy: { mirror }, seeder: { credentialsFile: undefined } },
  });
  const { seeder, tracker, registry, stack } = cluster;
  const [node] = cluster.nodes;
  assert.ok(node?.proxy && seeder && tracker);
  const { reference, image } = await cluster.push(smallImage("passed on"));
  const cri = stack.use(await CriClient.open(node.containerd.socketPath));
  await cri.untilReady();

  await cri.pullImage(reference, { username, password });

  const downloads = (await registry.requests()).filter(isDownload);
  const layers = image.manifests[0]?.layers ?? [];
  const bySeeder = downloads.filter(({ client }) => client === seeder.on.address);
  for (const { digest } of layers) {
    assert.ok(bySeeder.some(({ path }) => path.endsWith(digest)));
  }
  const byEngine = downloads.filter(({ userAgent }) => !userAgent.startsWith("shoal"));
  assert.deepEqual(byEngine, []);
  for (const daemon of [node.proxy, seeder, tracker]) assertNoSecret(await daemon.log());
});

test("a mirror and a registry with a token service", async (t) => {
  const stack = stackOf(t);
  const { path: directory } = await createTestDirectory(t, stack);
  const image = await buildImage(smallImage("token"));
  const place = { directory: join(directory, "registry") };
  const open = await startRegistry(place);
  await pushImage(image, open, { name: "samples/secret:1" });
  await open[Symbol.asyncDispose]();
  const tokens = stack.use(await startTokenServer({ directory }));
  const registry = stack.use(await startRegistry({ ...place, auth: tokens.auth }));
  const logger = new MemoryLogger();
  const config = {
    store: { root: join(directory, "content"), socket: join(directory, "content.sock") },
    swarm: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    mirror: { enabled: true, listen: "127.0.0.1:0", access: "challenge" },
    origin: { registries: [{ host: registry.host }] },
  };
  const proxy = stack.use(
    await startContentProxy(
      parseContentProxyConfig(JSON.stringify(config), "test"),
      { logger, clock: new SystemClock() },
      t,
    ),
  );
  const host = `127.0.0.1:${proxy.mirror?.address.port ?? 0}`;
  const ask = (path: string, authorization?: string): Promise<HttpResponse> =>
    requestHttp(
      { host },
      {
        path: `/v2/samples/secret/${path}${path.includes("?") ? "&" : "?"}ns=${registry.host}`,
        headers: authorization === undefined ? {} : { authorization },
      },
    );
  const [layer] = image.manifests[0]?.layers ?? [];
  assert.ok(layer);

  const challenge = await ask("manifests/1");
  assert.deepEqual([challenge.status, codeIn(challenge)], [401, "UNAUTHORIZED"]);
  assert.match(challenge.headers["www-authenticate"] ?? "", /^Basic /);
  const refused = await ask("manifests/1", wrong);
  assert.deepEqual([refused.status, codeIn(refused)], [401, "UNAUTHORIZED"]);

  const tagged = await ask("manifests/1", right);
  assert.equal(tagged.headers["docker-content-digest"], image.index.digest);
  const granted = tokens.requests.filter(({ isGranted }) => isGranted).length;
  assert.ok(granted > 0);
  assert.equal((await ask("manifests/1", right)).status, 200);
  // The token of one client serves that client again, and no other.
  assert.equal(tokens.requests.filter(({ isGranted }) => isGranted).length, granted);
  assert.equal((await ask(`manifests/${image.index.digest}`, wrong)).status, 401);
  assert.equal((await ask(`blobs/${layer.digest}`)).status, 401);

  const lines = JSON.stringify(logger.lines);
  assertNoSecret(lines);
  assert.doesNotMatch(lines, /Bearer|eyJ/);
});
