import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { mediaTypes } from "../core/media-type.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { type EnginePlace, runEngine } from "./support/engines/engine.ts";
import { ensurePackages } from "./support/apt-packages.ts";
import { requestHttp } from "./support/http.ts";
import { type BuiltImage, buildImage } from "./support/image.ts";
import { machineArchitecture } from "./support/image-writer.ts";
import { pollUntil } from "./support/poll.ts";
import { startRegistry } from "./support/registry.ts";
import { smallImage } from "./support/sample-images.ts";
import { ports } from "./support/shoal-config.ts";
import { startTestCluster } from "./support/test-cluster.ts";

/** The registry that pushed images belong to, by a name that needs no port. */
const registryName = "registry.test";

const token = "a-token-of-the-tests";

/** A file with the token, as its operator makes it. */
async function writeToken(t: TestContext): Promise<string> {
  const folder = testFolder(t, "token");
  const path = join(folder, "tokens");
  await writeFile(path, `# of the tests\n${token}\n`, { mode: 0o600 });
  return path;
}

/** Pushes all platforms of an image with skopeo. */
async function pushBySkopeo(
  image: BuiltImage,
  options: { readonly place: EnginePlace; readonly reference: string; readonly token: string },
): Promise<void> {
  await ensurePackages(["skopeo"]);
  const flags = ["--all", "--preserve-digests", "--quiet", "--dest-tls-verify=false"];
  await runEngine(options.place, [
    ...(["skopeo", "--insecure-policy", "copy", ...flags] as const),
    ...["--dest-creds", `tester:${options.token}`],
    ...[`oci:${image.directory}`, `docker://${options.reference}`],
  ]);
}

test("a seeder takes pushes, and nodes and the registry get them", async (t) => {
  const tokenFile = await writeToken(t);
  const cluster = await startTestCluster(t, {
    ...({ line: "1.6", nodes: ["node1", "node2"], mirror: "alone" } as const),
    registryNames: [registryName],
    seeder: { push: { enabled: true, registry: registryName, tokenFile } },
  });
  const { seeder, stack, network, directory } = cluster;
  const [first, second] = cluster.nodes;
  assert.ok(seeder && first && second);
  const place = { on: first.host, directory };
  const seederHost = `${seeder.on.address}:${ports.seeder}`;
  const image = await buildImage({ ...smallImage("push"), hasOtherPlatform: true });
  const atRegistry = async ({ endpoint }: typeof cluster.registry, name: string) => {
    const path = `/v2/team/${name}`;
    const headers = { accept: [mediaTypes.ociIndex, mediaTypes.ociManifest].join() };
    return requestHttp(endpoint, { path, headers });
  };

  await t.test("refuses who has no token", async () => {
    const wrong = { place, reference: `${seederHost}/team/app:1`, token: "a-token-of-nobody" };
    await assert.rejects(pushBySkopeo(image, wrong), /unauthorized|authentication required/i);
    assert.doesNotMatch(await seeder.log(), /a-token-of-nobody/);
  });

  await t.test("gives nodes what was pushed while the registry is down", async () => {
    await cluster.registry[Symbol.asyncDispose]();
    await pushBySkopeo(image, { place, reference: `${seederHost}/team/app:1`, token });

    const reference = `${registryName}/team/app:1`;
    await first.containerd.pull(reference);

    assert.equal(await first.containerd.runContainer(reference, ["echo", "up"]), "up\n");
    const { pushes } = await seeder.status();
    assert.ok(pushes && pushes.waiting > 0);
  });

  await t.test("still gives it, and writes it to the registry, after it was killed", async () => {
    await seeder.kill9();
    await seeder.resume();
    const reference = `${registryName}/team/app:1`;
    await second.containerd.pull(reference);
    assert.equal(await second.containerd.runContainer(reference, ["echo", "up"]), "up\n");
    const registryDirectory = join(directory, "registry");
    const on = network.host("registry");
    const registry = stack.use(await startRegistry({ directory: registryDirectory, on }));

    const answer = await pollUntil(
      async () => {
        const manifest = await atRegistry(registry, "app/manifests/1");
        return manifest.status === 200 && manifest;
      },
      { what: "the image to arrive at the registry", withinMs: 120_000 },
    );

    assert.equal(answer.headers["docker-content-digest"], image.index.digest);
    for (const { descriptor, config, layers } of image.manifests) {
      const { status } = await atRegistry(registry, `app/manifests/${descriptor.digest}`);
      assert.equal(status, 200);
      for (const { digest, size } of [config, ...layers]) {
        const blob = await atRegistry(registry, `app/blobs/${digest}`);
        assert.deepEqual([blob.status, blob.body.byteLength], [200, size]);
      }
    }
    await pollUntil(async () => (await seeder.status()).pushes?.waiting === 0, {
      ...{ what: "the queue to be empty", withinMs: 60_000 },
    });
  });

  await t.test("takes what containerd pushes", async () => {
    const pulled = `${registryName}/team/app:1`;
    const pushed = `${seederHost}/team/by-containerd:1`;
    const flags = ["--plain-http", "--user", `tester:${token}`];
    // It has no other.
    const platform = ["--platform", `linux/${machineArchitecture}`];
    await first.containerd.ctr(["images", "push", ...flags, ...platform, pushed, pulled]);
    const reference = `${registryName}/team/by-containerd:1`;
    await second.containerd.pull(reference);
    assert.equal(await second.containerd.runContainer(reference, ["echo", "up"]), "up\n");
  });

  await t.test("takes what buildah builds and streams without telling its length", async () => {
    await ensurePackages(["buildah"]);
    const storage = ["--root", join(directory, "storage"), "--runroot", join(directory, "run")];
    const buildah = (...args: readonly string[]) =>
      runEngine(place, ["buildah", ...storage, "--storage-driver", "vfs", ...args]);
    const file = join(directory, "greeting");
    await writeFile(file, "hello\n".repeat(500_000));
    const container = (await buildah("from", "scratch")).trim();
    await buildah("copy", "--quiet", container, file, "/greeting");
    const flags = ["--quiet", "--tls-verify=false", "--creds", `tester:${token}`];
    const target = `docker://${seederHost}/team/by-buildah:1`;
    await buildah("commit", ...flags, container, target);

    await second.containerd.pull(`${registryName}/team/by-buildah:1`);
  });

  assert.doesNotMatch(await seeder.log(), new RegExp(token));
});
