import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { formatPeerAddress } from "../core/peer-address.ts";
import type { ServiceStatus } from "../core/service-status.ts";
import { SystemClock } from "../core/system/system-clock.ts";
import { cleanUpOf } from "../core/testing/clean-up.ts";
import { FakeRegistry } from "../core/testing/fake-registry.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import { parseContentProxyConfig } from "./config.ts";
import { startContentProxy } from "./service.ts";

/** Nobody listens on port 1. */
const downTracker = "http://127.0.0.1:1";

test("the status tells that a tracker is down, once it was asked in vain", async (t) => {
  const folder = testFolder(t, "proxy");
  const registry = cleanUpOf(t).use(await FakeRegistry.open());
  const { digest } = registry.addBlob(Buffer.from("a blob"));
  const config = {
    store: { root: join(folder, "content"), socket: join(folder, "content.sock") },
    containerd: { address: join(folder, "containerd.sock") },
    trackers: [downTracker],
    swarm: { listen: "127.0.0.1:0" },
    admin: { listen: "127.0.0.1:0" },
    mirror: { enabled: true, listen: "127.0.0.1:0" },
    origin: { registries: [{ host: registry.host }] },
  };
  const parsed = parseContentProxyConfig(JSON.stringify(config), "test");
  const deps = { logger: new MemoryLogger(), clock: new SystemClock() };
  const proxy = cleanUpOf(t).use(await startContentProxy(parsed, deps, t));
  const sources = async () => {
    const answer = await fetch(`http://${formatPeerAddress(proxy.admin)}/v1/status`);
    return ((await answer.json()) as ServiceStatus).sources;
  };

  const names = (await sources())?.map(({ kind, name }) => [kind, name]);
  assert.deepEqual(names, [["tracker", downTracker]]);
  const blobUrl = `http://127.0.0.1:${proxy.mirror?.address.port ?? 0}/v2/app/blobs/${digest}`;
  await (await fetch(`${blobUrl}?ns=${registry.host}`)).arrayBuffer();
  const [tracker] = (await sources()) ?? [];
  assert.equal(tracker?.up, false);
  assert.notEqual(tracker.problem ?? "", "");
});
