import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { createBuildah } from "./support/engines/buildah.ts";
import { startDocker } from "./support/engines/docker.ts";
import type { Engine, EnginePlace } from "./support/engines/engine.ts";
import { createPodman } from "./support/engines/podman.ts";
import { plainRegistryName, writeRegistriesConf } from "./support/engines/registries-conf.ts";
import { createSkopeo } from "./support/engines/skopeo.ts";
import { preheat } from "./support/preheat.ts";
import { writeDockerConfig } from "./support/registry-auth.ts";
import { blobsAskedByEngine, blobsGivenTwice } from "./support/registry-traffic.ts";
import { dockerImage } from "./support/sample-images.ts";
import { mirrorAddress, placeOf, ports } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** Who speaks plain HTTP to engines. */
interface EngineHosts {
  readonly registry: string;
  readonly seeder: string;
}

/** Names by which an engine pulls an image, and how it is made. */
interface EngineCase {
  readonly create: (place: EnginePlace, hosts: EngineHosts) => Promise<Engine>;
  /** What stands before the repository in names of images. */
  readonly prefixes: (registry: string) => readonly string[];
  /** The same, of names by which the mirror itself is asked. */
  readonly mirrorPrefixes?: readonly string[];
}

/** Those that read registries.conf are told of the mirror by its port and by a path. */
const ofContainers = (create: (place: EnginePlace) => Promise<Engine>): EngineCase => ({
  create: async (place, { registry }) => {
    await writeRegistriesConf(place.directory, registry);
    return create(place);
  },
  prefixes: (registry) => [registry, plainRegistryName],
});

const cases: Readonly<Record<string, EngineCase>> = {
  podman: ofContainers(createPodman),
  buildah: ofContainers(createBuildah),
  skopeo: ofContainers(createSkopeo),
  docker: {
    // It has mirrors for Docker Hub alone; the second stands for Docker Hub itself.
    create: (place, { registry, seeder }) =>
      startDocker(place, {
        mirrors: [`http://${mirrorAddress}`, `http://${registry}`],
        insecure: [registry, seeder],
      }),
    prefixes: () => ["docker.io"],
    mirrorPrefixes: [`${mirrorAddress}/${plainRegistryName}`],
  },
};

for (const [name, { create, prefixes, mirrorPrefixes = [] }] of Object.entries(cases)) {
  test(`${name} and the mirror of its node`, async (t) => {
    const registryNames = [plainRegistryName, "docker.io"];
    const cluster = await startTestCluster(t, {
      ...{ line: "1.6", nodes: ["node1"], mirror: "alone", registryNames },
      seeder: { push: { enabled: true, registry: plainRegistryName, open: true } },
    });
    const { seeder, tracker, registry } = cluster;
    const [node] = cluster.nodes;
    assert.ok(node?.proxy && seeder && tracker);
    const directory = join(cluster.directory, "engine");
    await mkdir(directory);
    const place = { on: node.host, directory };
    const seederHost = placeOf(seeder.on, ports.seeder);
    const hosts = { registry: registry.host, seeder: seederHost };
    const engine = cluster.stack.use(await create(place, hosts));
    const pushed = async (seed: string) => {
      const { image, reference } = await cluster.push(dockerImage(`${name} ${seed}`));
      const named = (prefix: string) => reference.replace(registry.host, prefix);
      const names = prefixes(registry.host).map(named);
      return { image, reference, names, mirrorNames: mirrorPrefixes.map(named) };
    };
    const assertRight = async (
      reference: string,
      { seed, id }: { seed: string; id: string | undefined },
    ) => {
      assert.equal(await engine.imageId(reference), id);
      const file = await engine.readImageFile(reference, "etc/shoal-image");
      assert.equal(file, `${name} ${seed}\n`);
    };

    await t.test("takes an image from the swarm, and no blob from the registry", async () => {
      const { image, reference, names, mirrorNames } = await pushed("warm");
      await preheat(reference, { seeder });
      for (const each of [...names, ...mirrorNames]) {
        await registry.forgetRequests();
        await engine.pull(each);
        await assertRight(each, { seed: "warm", id: image.manifests[0]?.config.digest });
        assert.deepEqual(blobsAskedByEngine(await registry.requests()), [], each);
        await engine.remove(each);
      }
    });

    await t.test("has the seeder fetch a cold image, which nobody has, once", async () => {
      const { image, names, mirrorNames } = await pushed("cold");
      for (const each of [...names, ...mirrorNames]) {
        await engine.pull(each);
        await assertRight(each, { seed: "cold", id: image.manifests[0]?.config.digest });
        await engine.remove(each);
      }
      const requests = await registry.requests();
      assert.deepEqual(blobsAskedByEngine(requests), []);
      assert.deepEqual(blobsGivenTwice(requests), []);
    });

    const { push } = engine;
    if (push) {
      await t.test("pushes an image to the seeder, which can be pulled at once", async () => {
        const { image, names } = await pushed("again");
        const [name = ""] = names;
        await engine.pull(name);
        await push(name, `${seederHost}/pushed/app:1`);
        await engine.remove(name);
        const [prefix = ""] = mirrorPrefixes;
        await engine.pull(`${prefix}/pushed/app:1`);
        const { config } = image.manifests[0] ?? {};
        await assertRight(`${prefix}/pushed/app:1`, { seed: "again", id: config?.digest });
      });
    }

    await t.test("takes an image from the registry when the swarm is down", async () => {
      const { image, names, mirrorNames } = await pushed("alone");
      await seeder.kill9();
      await tracker.kill9();
      for (const each of [...names, ...mirrorNames]) {
        await engine.pull(each);
        await assertRight(each, { seed: "alone", id: image.manifests[0]?.config.digest });
        await engine.remove(each);
      }
    });

    await t.test("takes an image from the registry when the mirror is down", async () => {
      const { image, names } = await pushed("no mirror");
      await node.proxy?.kill9();
      for (const each of names) {
        await engine.pull(each);
        await assertRight(each, { seed: "no mirror", id: image.manifests[0]?.config.digest });
      }
    });
  });
}

test("podman and a mirror that asks for a password", async (t) => {
  const mirror = { enabled: true, listen: mirrorAddress, access: "challenge" };
  const cluster = await startTestCluster(t, {
    ...({ line: "1.6", nodes: ["node1"], mirror: "alone", isPrivate: true } as const),
    ...{ registryNames: [plainRegistryName], contentProxy: { mirror } },
  });
  const { seeder, registry } = cluster;
  const [node] = cluster.nodes;
  assert.ok(node?.proxy && seeder);
  const directory = join(cluster.directory, "engine");
  await mkdir(directory);
  await writeRegistriesConf(directory, registry.host);
  const podman = cluster.stack.use(await createPodman({ on: node.host, directory }));
  const { image, reference } = await cluster.push(dockerImage("podman private"));
  await preheat(reference, { seeder });
  await registry.forgetRequests();
  const name = reference.replace(registry.host, plainRegistryName);
  // It gives a mirror only what it has under the mirror's own name.
  const mirrorName = `${mirrorAddress}/${plainRegistryName}`;
  const authFile = await writeDockerConfig(directory, mirrorName);

  await assert.rejects(podman.pull(name), /unauthorized|authentication required/i);
  await podman.pull(name, ["--authfile", authFile]);

  assert.equal(await podman.imageId(name), image.manifests[0]?.config.digest);
  assert.deepEqual(blobsAskedByEngine(await registry.requests()), []);
});
