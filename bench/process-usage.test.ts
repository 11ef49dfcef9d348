import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";

import { cleanUpOf } from "../core/testing/clean-up.ts";
import { socketCountOf, usageOf } from "./process-usage.ts";

test("`usageOf()` agrees with what a process knows of itself", async () => {
  const usage = await usageOf(process.pid);
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  // Linux counts pages by thread, and adds them up now and then.
  assert(Math.abs(usage.rssBytes / process.memoryUsage.rss() - 1) < 0.25);
  assert(usage.rssMaxBytes >= usage.rssBytes);
  assert(usage.cpuSeconds > 0 && usage.cpuSeconds <= (userCPUTime + systemCPUTime) / 1e6 + 1);
});

test("`usageOf()` refuses a process that is not there", async () => {
  // Larger than any process id of Linux.
  await assert.rejects(usageOf(2 ** 23), { code: "ENOENT" });
});

test("`socketCountOf()` counts sockets, and no other files", async (t) => {
  const before = await socketCountOf(process.pid);
  const server = createServer().listen(0, "127.0.0.1");
  cleanUpOf(t).defer(() => server.close());
  await once(server, "listening");
  assert.equal(await socketCountOf(process.pid), before + 1);
});
