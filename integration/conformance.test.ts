import assert from "node:assert/strict";
import { mkdir, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { reportGoSuite, runGoSuite } from "./support/go-suite.ts";
import { stackOf } from "./support/interruptible.ts";
import { createLoopbackNetwork } from "./support/network.ts";
import { pollUntil } from "./support/poll.ts";
import {
  contentProxyConfig,
  ports,
  snapshotsConfig,
  snapshotsPathOf,
} from "./support/shoal-config.ts";
import { ShoalDaemon } from "./support/shoal-daemon.ts";
import { createTestDirectory } from "./support/test-directory.ts";

/** Its tests mount, which is asked for by name. */
const flagsOf = { content: [], snapshots: ["-test.root"] } as const;

/** Fewer would mean that a part of a suite was not run. */
const testsMin = { content: 27, snapshots: 20 } as const;

/** Starts a content proxy that knows nobody, and gives the folder that all of it is in. */
async function startProxy(t: TestContext): Promise<string> {
  const stack = stackOf(t);
  const { path } = await createTestDirectory(t, stack);
  const on = createLoopbackNetwork(["node"]).host("node");
  const nobody = { trackers: [], seeders: [] };
  const config = {
    ...contentProxyConfig(on, { directory: path, ...nobody }),
    snapshots: snapshotsConfig(path),
  };
  const service = "content-proxy";
  const files = { config, directory: path };
  stack.use(await ShoalDaemon.start({ service, ...files, on, adminPort: ports.admin }));
  return path;
}

for (const name of ["content", "snapshots"] as const) {
  test(`our ${name} service passes containerd's own suite`, async (t) => {
    const path = await startProxy(t);
    const directory = join(path, "suite");
    await mkdir(directory);
    const socketPath = join(path, "content.sock");

    const result = await runGoSuite({ name, socketPath, directory, flags: flagsOf[name] });

    assert.ok(result.tests.length >= testsMin[name], result.output);
    await reportGoSuite(t, result);
    const mounts = await readFile("/proc/self/mountinfo", "utf8");
    assert.ok(!mounts.includes(` ${path}`), "the suite leaves no mounts");
    // Removed snapshots are deleted in the background.
    const folder = join(snapshotsPathOf(path), "v1");
    await pollUntil(
      async () => (await readdir(folder)).every((entry) => /^(\d+|lock)$/.test(entry)),
      { what: "nothing half made or half deleted to be left", withinMs: 60_000, signal: t.signal },
    );
  });
}
