import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { mediaTypes } from "../core/media-type.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { parseSeederConfig } from "../seeder/config.ts";
import { startSeeder } from "../seeder/service.ts";
import type { ServiceStatus } from "../core/service-status.ts";
import { requestHttp } from "./support/http.ts";
import { pushImage } from "./support/image-push.ts";
import { buildImage } from "./support/image.ts";
import { stackOf } from "./support/interruptible.ts";
import { pollUntil } from "./support/poll.ts";
import { basicCredentials, registryUser, writeDockerConfig } from "./support/registry-auth.ts";
import { startRegistry } from "./support/registry.ts";
import { smallImage } from "./support/sample-images.ts";
import { createTestDirectory } from "./support/test-directory.ts";
import { startTokenServer } from "./support/token-server.ts";

for (const kind of ["none", "basic", "token"] as const) {
  test(`a seeder writes pushes to a registry with login: ${kind}`, async (t) => {
    const stack = stackOf(t);
    const directory = (await createTestDirectory(t, stack)).path;
    const tokens = kind === "token" ? stack.use(await startTokenServer({ directory })) : undefined;
    const auth = kind === "basic" ? ({ kind } as const) : tokens?.auth;
    const registry = stack.use(await startRegistry({ directory, ...(auth && { auth }) }));
    const config = {
      listen: "127.0.0.1:0",
      swarm: { listen: "127.0.0.1:0" },
      store: { root: join(directory, "store") },
      origins: [{ kind: "registry", host: registry.host }],
      credentialsFile: auth && (await writeDockerConfig(directory, registry.host)),
      push: { enabled: true, registry: registry.host, open: true },
    };
    const logger = new MemoryLogger();
    const seeder = stack.use(
      await startSeeder(
        parseSeederConfig(JSON.stringify(config), "test.yaml"),
        { logger, clock: new SystemClock() },
        t,
      ),
    );
    const endpoint = { host: `127.0.0.1:${seeder.http.port}` };
    const image = await buildImage({ ...smallImage("push"), hasOtherPlatform: true });
    const arrived = async () => {
      const { body } = await requestHttp(endpoint, { path: "/v1/status" });
      return (JSON.parse(body.toString()) as ServiceStatus).pushes?.waiting === 0;
    };

    await pushImage(image, { endpoint, host: endpoint.host }, { name: "team/app:1" });
    await pollUntil(arrived, { what: "the image to arrive", withinMs: 60_000 });
    await registry.forgetRequests();
    await pushImage(image, { endpoint, host: endpoint.host }, { name: "team/copy:1" });
    await pollUntil(arrived, { what: "its copy to arrive", withinMs: 60_000 });

    // The copy's blobs were there already, in the other repository.
    const uploads = (await registry.requests()).filter(
      ({ method, path }) => method === "PUT" && path.includes("/blobs/"),
    );
    assert.deepEqual(uploads, []);
    for (const name of ["app", "copy"]) {
      const { status, headers } = await requestHttp(registry.endpoint, {
        path: `/v2/team/${name}/manifests/1`,
        method: "HEAD",
        headers: {
          accept: mediaTypes.ociIndex,
          ...(kind === "basic" && { authorization: basicCredentials(registryUser) }),
        },
      });
      if (kind === "token") assert.equal(status, 401);
      else assert.equal(headers["docker-content-digest"], image.index.digest);
    }
    const warnings = logger.lines.filter(({ level }) => level !== "info" && level !== "debug");
    assert.deepEqual(warnings, []);
    assert.ok(!JSON.stringify(logger.lines).includes(registryUser.password));
  });
}
