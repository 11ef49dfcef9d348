import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";

/** Starts a daemon in a network of its own, says where, and waits to be interrupted. */
const program = `
import { createNetwork } from "./integration/support/network.ts";
import { logsLine } from "./integration/support/readiness.ts";
import { startProcess } from "./integration/support/supervised-process.ts";
import { createTemporaryDirectory } from "./integration/support/temporary-directory.ts";
import { withInterruptibleStack } from "./integration/support/interruptible.ts";

await withInterruptibleStack(async (stack, { signal }) => {
  const directory = stack.use(await createTemporaryDirectory());
  const network = stack.use(await createNetwork({ hosts: ["node"] }));
  const { netns } = network.host("node");
  const logPath = directory.path + "/log";
  const argv = ["sh", "-c", "echo up; exec sleep 600"];
  const ready = logsLine(logPath, /up/);
  const daemon = stack.use(await startProcess({ name: "sleeper", argv, logPath, ready, netns }));
  console.log(JSON.stringify([directory.path, "/run/netns/" + netns, "/proc/" + daemon.pid]));
  const timer = setTimeout(() => undefined, 600_000);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  clearTimeout(timer);
}).catch((error) => (process.exitCode = 128 + error.signalNumber));
`;

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test(`withInterruptibleStack() leaves nothing behind after ${signal}`, async (t) => {
    const cwd = new URL("../..", import.meta.url);
    const stdio = ["ignore", "pipe", "inherit"] as const;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      ...{ cwd, stdio: [...stdio] },
    });
    cleanUpOf(t).defer(() => child.kill("SIGKILL"));
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const started = JSON.parse(line.toString()) as string[];
    for (const path of started) assert.ok(existsSync(path), path);

    child.kill(signal);

    assert.deepEqual(await once(child, "close"), [status, null]);
    for (const path of started) assert.ok(!existsSync(path), path);
  });
}
