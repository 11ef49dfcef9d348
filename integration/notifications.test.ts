import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { SystemClock } from "../core/system/system-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseSeederConfig } from "../seeder/config.ts";
import { startSeeder } from "../seeder/service.ts";
import { isDownload } from "./support/access-log.ts";
import { type HttpEndpoint, requestHttp } from "./support/http.ts";
import { pushImage } from "./support/image-push.ts";
import { type BuiltImage, buildImage } from "./support/image.ts";
import { stackOf } from "./support/interruptible.ts";
import { pollUntil } from "./support/poll.ts";
import { startRegistry } from "./support/registry.ts";
import { smallImage } from "./support/sample-images.ts";
import { createTestDirectory } from "./support/test-directory.ts";

const secret = "salt and seaweed and sun";

/** Long enough for a busy machine, and for a registry that sends again. */
const withinMs = 60_000;

/** The part of a registry's configuration that has it tell a seeder of pushes. */
function notificationsYaml(seeder: HttpEndpoint, authorization: string): string {
  return `notifications:
  endpoints:
    - name: shoal
      url: http://${seeder.host}/v1/notifications/distribution
      headers:
        Authorization: ["${authorization}"]
      timeout: 5s
      threshold: 3
      backoff: 1s
`;
}

/** What a pull of the image for this machine takes, by digest. */
function digestsOf({ index, manifests: [main] }: BuiltImage): string[] {
  assert.ok(main);
  return [index, main.descriptor, main.config, ...main.layers].map(({ digest }) => digest);
}

async function untilServed(seeder: HttpEndpoint, image: BuiltImage): Promise<void> {
  for (const digest of digestsOf(image)) {
    const isThere = async () =>
      (await requestHttp(seeder, { path: `/v1/metainfo/${digest}` })).status === 200;
    await pollUntil(isThere, { what: `${digest} at the seeder`, withinMs });
  }
}

test("what is pushed to a registry comes to the seeder that it tells, and to no one who is not allowed", async (t) => {
  const stack = stackOf(t);
  const { path: directory } = await createTestDirectory(t, stack);
  // The registry has another address each time, and the seeder's configuration names it.
  const host = "images.example";
  const logger = new MemoryLogger();
  const originPath = join(directory, "registry", "data");
  await mkdir(originPath, { recursive: true });
  const config = {
    listen: "127.0.0.1:0",
    swarm: { listen: "127.0.0.1:0" },
    store: { root: join(directory, "seeder") },
    origins: [{ kind: "directory", host, path: originPath }],
    notifications: { enabled: true, secret, registry: host, exclude: ["*/scratch/*"] },
  };
  const parsed = parseSeederConfig(JSON.stringify(config), "test.yaml");
  const deps = { logger, clock: new SystemClock() };
  const started = stack.use(await startSeeder(parsed, deps, t));
  const seeder = { host: `127.0.0.1:${started.http.port}` };
  const extraYaml = notificationsYaml(seeder, `Bearer ${secret}`);
  const place = { directory: join(directory, "registry"), extraYaml };
  const registry = stack.use(await startRegistry(place));
  const image = await buildImage({ ...smallImage("notified"), hasOtherPlatform: true });
  await pushImage(image, registry, { name: "team/scratch/app:1" });
  await pushImage(image, registry, { name: "team/app:1" });
  await untilServed(seeder, image);
  const [, other] = image.manifests;
  const theirs = await requestHttp(seeder, { path: `/v1/blobs/${other?.config.digest ?? ""}` });
  assert.equal(theirs.status, 404);
  const preheated = () => logger.lines.filter(({ message }) => message === "preheated an image");
  // What it did is told a moment after the last blob is there.
  const isTold = async () => preheated().length > 0;
  await pollUntil(isTold, { what: "the end of the preheat", withinMs });
  assert.deepEqual(
    preheated().map(({ fields }) => fields["image"]),
    [`${host}/team/app:1`],
  );

  const answer = await requestHttp(seeder, {
    ...{ method: "POST", path: "/v1/notifications/images" },
    headers: { authorization: "Bearer something else" },
    body: JSON.stringify({ images: [`${host}/team/app:1`] }),
  });
  assert.equal(answer.status, 401);
});

test("pinned images are fetched when a seeder starts, and not again when they are here", async (t) => {
  const stack = stackOf(t);
  const { path: directory } = await createTestDirectory(t, stack);
  const registry = stack.use(await startRegistry({ directory: join(directory, "registry") }));
  const image = await buildImage(smallImage("pinned"));
  const reference = await pushImage(image, registry, { name: "team/base:1" });
  await registry.forgetRequests();
  const config = {
    listen: "127.0.0.1:0",
    swarm: { listen: "127.0.0.1:0" },
    store: { root: join(directory, "seeder"), pins: [reference] },
    origins: [{ kind: "registry", host: registry.host }],
  };
  const parsed = parseSeederConfig(JSON.stringify(config), "test.yaml");
  for (const count of [digestsOf(image).length, 0]) {
    const logger = new MemoryLogger();
    const seeder = await startSeeder(parsed, { logger, clock: new SystemClock() }, t);
    const isPreheated = async () =>
      logger.lines.some(({ message }) => message === "preheated an image");
    await pollUntil(isPreheated, { what: "the pinned image", withinMs });
    await seeder[Symbol.asyncDispose]();
    assert.equal((await registry.requests()).filter(isDownload).length, count);
    await registry.forgetRequests();
  }
});
