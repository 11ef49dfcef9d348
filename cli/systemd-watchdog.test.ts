import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import { testFolder } from "../core/testing/test-folder.ts";
import { watchBySystemd } from "./systemd-watchdog.ts";

/** A systemd whose tool says what it is told into a pipe. */
async function fakeSystemd(t: TestContext) {
  const folder = testFolder(t);
  const pipe = join(folder, "told");
  await promisify(execFile)("mkfifo", [pipe]);
  const tool = join(folder, "systemd-notify");
  await writeFile(tool, `#!/bin/sh\necho "$1" > "${pipe}"\n`);
  await chmod(tool, 0o755);
  return {
    environment: { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: "/run/n" },
    told: async () => readFile(pipe, "utf8"),
  };
}

test("a service gives signs of life at once, and six in the time that systemd waits for one", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { environment, told } = await fakeSystemd(t);
  const watched = watchBySystemd({ ...environment, WATCHDOG_USEC: "60000000" });
  assert.equal(await told(), "WATCHDOG=1\n");
  for (let count = 0; count < 6; count++) {
    t.mock.timers.tick(10_000);
    assert.equal(await told(), "WATCHDOG=1\n");
  }
  watched[Symbol.dispose]();
});

test("a service that systemd does not watch gives no signs of life", (t) => {
  const setInterval = t.mock.method(globalThis, "setInterval");
  watchBySystemd({ NOTIFY_SOCKET: "/run/n" })[Symbol.dispose]();
  assert.equal(setInterval.mock.callCount(), 0);
});
