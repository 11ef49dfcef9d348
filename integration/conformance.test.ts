import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { reportContentSuite, runContentSuite } from "./support/content-suite.ts";
import { stackOf } from "./support/interruptible.ts";
import { createLoopbackNetwork } from "./support/network.ts";
import { contentProxyConfig, ports } from "./support/shoal-config.ts";
import { ShoalDaemon } from "./support/shoal-daemon.ts";
import { createTestDirectory } from "./support/test-directory.ts";

/** Fewer would mean that a part of the suite was not run. */
const testsMin = 27;

test("our content store passes containerd's own suite", async (t) => {
  const stack = stackOf(t);
  const directory = await createTestDirectory(t, stack);
  const on = createLoopbackNetwork(["node"]).host("node");
  const nobody = { trackers: [], seeders: [] };
  const config = contentProxyConfig(on, { directory: directory.path, ...nobody });
  const service = "content-proxy";
  const files = { config, directory: directory.path };
  stack.use(await ShoalDaemon.start({ service, ...files, on, adminPort: ports.admin }));

  const result = await runContentSuite(join(directory.path, "content.sock"));

  assert.ok(result.tests.length >= testsMin, result.output);
  await reportContentSuite(t, result);
});
