import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { SystemClock } from "../core/system/system-clock.ts";
import { digestOf } from "../core/digest.ts";
import { parseMetainfo } from "../core/metainfo.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseSeederConfig } from "../seeder/config.ts";
import { startSeeder } from "../seeder/service.ts";
import { isDownload } from "./support/access-log.ts";
import { type HttpEndpoint, requestHttp } from "./support/http.ts";
import { pushImage } from "./support/image-push.ts";
import { type BuiltImage, buildImage } from "./support/image.ts";
import { stackOf } from "./support/interruptible.ts";
import { pollUntil } from "./support/poll.ts";
import { type RegistryAuth, registryUser } from "./support/registry-auth.ts";
import { type Registry, startRegistry } from "./support/registry.ts";
import { smallImage } from "./support/sample-images.ts";
import { createTestDirectory } from "./support/test-directory.ts";
import { startTlsFront } from "./support/tls-front.ts";
import { startTokenServer } from "./support/token-server.ts";

/** A seeder, and the image that its registry has. */
interface Bench {
  readonly directory: string;
  readonly image: BuiltImage;
  readonly registry: Registry;
  /** Starts a seeder with that much of a configuration; those before it are ended first. */
  readonly start: (config: object) => Promise<HttpEndpoint>;
  /** All that was logged. */
  readonly logger: MemoryLogger;
}

const repository = "samples/app";

const authorizationHeader = "shoal-registry-authorization";

/** Pushes an image to a registry, which then asks who comes as `authOf` says. */
async function open(
  t: TestContext,
  authOf?: (directory: string) => Promise<RegistryAuth>,
): Promise<Bench> {
  const stack = stackOf(t);
  const directory = (await createTestDirectory(t, stack)).path;
  const registryDirectory = join(directory, "registry");
  const image = await buildImage({ ...smallImage("seeder"), hasOtherPlatform: true });
  const unguarded = await startRegistry({ directory: registryDirectory });
  await pushImage(image, unguarded, { name: `${repository}:1` });
  await unguarded[Symbol.asyncDispose]();
  const auth = authOf && { auth: await authOf(directory) };
  const registry = stack.use(await startRegistry({ directory: registryDirectory, ...auth }));
  const logger = new MemoryLogger();
  let running: AsyncDisposable | undefined;
  stack.defer(() => running?.[Symbol.asyncDispose]());
  const start = async (config: object) => {
    await running?.[Symbol.asyncDispose]();
    const places = {
      listen: "127.0.0.1:0",
      swarm: { listen: "127.0.0.1:0" },
      store: { root: join(directory, "store") },
      // Hosts of this machine are asked only if they are listed.
      origins: [{ kind: "registry", host: registry.host }],
    };
    const parsed = parseSeederConfig(JSON.stringify({ ...places, ...config }), "test.yaml");
    const seeder = await startSeeder(parsed, { logger, clock: new SystemClock() }, t);
    running = seeder;
    return { host: `127.0.0.1:${seeder.http.port}` };
  };
  return { directory, image, registry, start, logger };
}

/** The last event of a preheat. */
async function preheat(
  seeder: HttpEndpoint,
  body: { readonly image: string; readonly platforms?: readonly string[] | "all" },
): Promise<Record<string, unknown>> {
  const { body: lines } = await requestHttp(seeder, {
    ...{ method: "POST", path: "/v1/preheat", body: JSON.stringify(body) },
  });
  return JSON.parse(lines.toString().trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
}

/** Every blob of the image, by digest. */
function digestsOf({ index, manifests }: BuiltImage): string[] {
  const below = manifests.flatMap(({ descriptor, config, layers }) => [
    ...[descriptor, config, ...layers],
  ]);
  return [...new Set([index, ...below].map(({ digest }) => digest))];
}

/**
 * Asks for a blob as a node does that knows no more than the repository. A seeder that cannot
 * tell yet, as on a busy machine, is asked again.
 */
async function askFor(
  seeder: HttpEndpoint,
  {
    digest,
    registry,
    authorization,
  }: {
    readonly digest: string;
    readonly registry: Pick<Registry, "host">;
    readonly authorization?: string | undefined;
  },
) {
  const body = JSON.stringify({ digest, from: [{ registry: registry.host, repository }] });
  const headers = authorization === undefined ? {} : { [authorizationHeader]: authorization };
  const ask = async () => {
    const answer = await requestHttp(seeder, { method: "POST", path: "/v1/fetch", headers, body });
    return answer.status !== 503 && answer;
  };
  return pollUntil(ask, { what: `what becomes of ${digest}`, withinMs: 60_000 });
}

/** Reads blobs that may still be on their way. */
async function assertWhole(seeder: HttpEndpoint, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    const { body } = await requestHttp(seeder, { path: `/v1/blobs/${digest}` });
    assert.equal(digestOf(body), digest);
  }
}

async function assertServes(seeder: HttpEndpoint, digests: readonly string[]): Promise<void> {
  for (const digest of digests) {
    const { status, body } = await requestHttp(seeder, { path: `/v1/blobs/${digest}` });
    assert.equal(status, 200);
    assert.equal(digestOf(body), digest);
    const metainfo = await requestHttp(seeder, { path: `/v1/metainfo/${digest}` });
    assert.equal(parseMetainfo(metainfo.body).digest, digest);
  }
}

/** Writes credentials of the user whom registries know, as `docker login` does. */
async function writeCredentials(
  { directory }: Pick<Bench, "directory">,
  host: string,
): Promise<string> {
  const path = join(directory, "config.json");
  const auth = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString("base64");
  await writeFile(path, JSON.stringify({ auths: { [host]: { auth } } }));
  return path;
}

test("a seeder takes an image from a registry once, and serves it, also after a restart", async (t) => {
  const { image, registry, start } = await open(t);
  const reference = `${registry.host}/${repository}:1`;
  const seeder = await start({});
  const end = await preheat(seeder, { image: reference, platforms: "all" });
  assert.equal(end["ok"], true, JSON.stringify(end));
  assert.equal(end["blobs"], digestsOf(image).length);
  await assertServes(seeder, digestsOf(image));
  const downloads = (await registry.requests()).filter(isDownload).map(({ path }) => path);
  assert.equal(new Set(downloads).size, downloads.length, downloads.join("\n"));

  await registry.forgetRequests();
  const again = await preheat(seeder, { image: reference, platforms: "all" });
  assert.deepEqual([again["ok"], again["bytes"]], [true, end["bytes"]]);
  assert.deepEqual((await registry.requests()).filter(isDownload), []);

  const restarted = await start({});
  await assertServes(restarted, digestsOf(image));
});

test("a seeder takes only the platforms that it is asked for", async (t) => {
  const { image, registry, start } = await open(t);
  const seeder = await start({});
  const [main, other] = image.manifests;
  assert.ok(main && other);
  const platforms = ["linux/s390x"];
  const end = await preheat(seeder, { image: `${registry.host}/${repository}:1`, platforms });
  assert.equal(end["ok"], true);
  await assertServes(seeder, digestsOf({ ...image, manifests: [other] }));
  const { status } = await requestHttp(seeder, { path: `/v1/blobs/${main.descriptor.digest}` });
  assert.equal(status, 404);
});

test("a seeder takes an image from the folder of a registry", async (t) => {
  const { image, registry, start } = await open(t);
  const host = "images.example";
  const origins = [{ kind: "directory", host, path: registry.dataPath }];
  const seeder = await start({ origins });
  const end = await preheat(seeder, { image: `${host}/${repository}:1`, platforms: "all" });
  assert.equal(end["ok"], true, JSON.stringify(end));
  await assertServes(seeder, digestsOf(image));
  assert.deepEqual(await registry.requests(), []);
});

test("a seeder asks a registry at the address that its configuration has", async (t) => {
  const { image, registry, start } = await open(t);
  const url = `http://${registry.host}`;
  const seeder = await start({ origins: [{ kind: "registry", host: "docker.io", url }] });
  const end = await preheat(seeder, { image: `${repository}:1`, platforms: "all" });
  assert.equal(end["ok"], true, JSON.stringify(end));
  await assertServes(seeder, digestsOf(image));
});

test("a seeder trusts a registry's own certificate if it is told to, and not otherwise", async (t) => {
  const { directory, image, registry, start } = await open(t);
  const front = stackOf(t).use(await startTlsFront({ directory, behind: registry.host }));
  const origin = { kind: "registry", host: "images.example", url: `https://${front.host}` };
  const request = { image: `images.example/${repository}:1`, platforms: "all" } as const;
  const refused = await preheat(await start({ origins: [origin] }), request);
  assert.equal(refused["ok"], false);
  assert.match(String(refused["error"]), /SELF_SIGNED/);

  const caFile = front.certificatePath;
  const seeder = await start({ origins: [{ ...origin, caFile }] });
  const end = await preheat(seeder, request);
  assert.equal(end["ok"], true, JSON.stringify(end));
  await assertServes(seeder, digestsOf(image));
});

test("a seeder takes a cold blob from its registry once, for all nodes that ask at once", async (t) => {
  const { image, registry, start } = await open(t);
  const seeder = await start({});
  const digests = digestsOf(image);
  const answers = digests.flatMap((digest) =>
    Array.from({ length: 5 }, async () => askFor(seeder, { digest, registry })),
  );
  for (const { status, body } of await Promise.all(answers)) {
    assert.equal(status, 200, body.toString());
    assert.match(body.toString(), /"state":"(whole|arriving)"/);
  }
  await assertWhole(seeder, digests);
  const downloads = (await registry.requests()).filter(isDownload).map(({ path }) => path);
  assert.deepEqual(downloads.map((path) => path.split("/").at(-1)).sort(), [...digests].sort());
  const unknown = await askFor(seeder, { digest: `sha256:${"0".repeat(64)}`, registry });
  assert.equal(unknown.status, 404);
});

test("a seeder takes a cold blob in the name of the client who may have it, and of no other", async (t) => {
  const { image, registry, start, logger } = await open(t, async () => ({ kind: "basic" }));
  const seeder = await start({});
  const [digest = ""] = digestsOf(image);
  const rightOf = (password: string) =>
    `Basic ${Buffer.from(`${registryUser.name}:${password}`).toString("base64")}`;
  const ask = async (authorization?: string) => askFor(seeder, { digest, registry, authorization });
  assert.equal((await ask()).status, 403);
  assert.equal((await ask(rightOf("guessed"))).status, 403);
  assert.equal((await ask(rightOf(registryUser.password))).status, 200);
  await assertWhole(seeder, [digest]);
  const logged = JSON.stringify(logger.lines);
  for (const secret of [registryUser.password, rightOf(registryUser.password).slice(6)]) {
    assert.ok(!logged.includes(secret));
  }
});

test("a seeder logs in with a password", async (t) => {
  const bench = await open(t, async () => ({ kind: "basic" }));
  const { image, registry, start, logger } = bench;
  const reference = `${registry.host}/${repository}:1`;
  const refused = await preheat(await start({}), { image: reference, platforms: "all" });
  assert.equal(refused["ok"], false);
  assert.match(String(refused["error"]), /login/);

  const credentialsFile = await writeCredentials(bench, registry.host);
  const seeder = await start({ credentialsFile });
  const end = await preheat(seeder, { image: reference, platforms: "all" });
  assert.equal(end["ok"], true, JSON.stringify(end));
  await assertServes(seeder, digestsOf(image));
  assert.ok(!JSON.stringify(logger.lines).includes(registryUser.password));
});

for (const isAnonymous of [false, true]) {
  const who = isAnonymous ? "for nobody in particular" : "with its password";
  test(`a seeder gets itself a token ${who}`, async (t) => {
    const stack = stackOf(t);
    const bench = await open(t, async (directory) => {
      const options = { directory, isAnonymousAllowed: isAnonymous };
      return stack.use(await startTokenServer(options)).auth;
    });
    const { image, registry, start } = bench;
    const credentialsFile = await writeCredentials(bench, registry.host);
    const seeder = await start(isAnonymous ? {} : { credentialsFile });
    const reference = `${registry.host}/${repository}@${image.index.digest}`;
    const end = await preheat(seeder, { image: reference, platforms: "all" });
    assert.equal(end["ok"], true, JSON.stringify(end));
    await assertServes(seeder, digestsOf(image));
  });
}
