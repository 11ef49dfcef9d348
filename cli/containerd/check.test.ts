import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { exitCodes } from "../exit-code.ts";
import { serveUnary } from "../testing/grpc-fixture.ts";
import { Machine } from "../testing/machine.ts";

test("check tells everything that is wrong", async (t) => {
  const machine = await Machine.create(t, {
    version: "2.1.9",
    config: 'version = 3\nimports = ["conf.d/*.toml"]\n',
  });
  await mkdir(join(machine.folder, "etc", "conf.d"));
  await writeFile(
    join(machine.folder, "etc", "conf.d", "other.toml"),
    '[proxy_plugins.other]\n  type = "content"\n  address = "/run/other.sock"\n',
  );
  const { exitCode, stdout } = await machine.shoal("check", "--root", join(machine.folder, "none"));
  assert.equal(exitCode, exitCodes.failure);
  assert.match(stdout, /^ok {5}.*containerd 2\.1\.9$/m);
  assert.match(stdout, /^WRONG {2}no proxy plugin is a content store at/m);
  assert.match(stdout, /^WRONG {2}io.containerd.content.v1.content is not disabled/m);
  assert.match(stdout, /^WRONG {2}proxy plugin other is a content store too/m);
  assert.match(stdout, /^WRONG {2}.*content.sock is not there/m);
  assert.match(stdout, /^WRONG {2}.*none is not there/m);
});

test("check is content when the lines are there and a content store answers", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  await machine.shoal("enable");
  await serveContent(t, machine.socket);
  const { exitCode, stdout } = await machine.shoal("check", "--root", machine.folder);
  assert.doesNotMatch(stdout, /WRONG/);
  assert.equal(exitCode, exitCodes.ok);
});

test("check knows a socket where somebody else listens", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  server.listen(machine.socket);
  await once(server, "listening");
  cleanUpOf(t).defer(() => server.close());
  const { stdout } = await machine.shoal("check", "--root", machine.folder);
  assert.match(stdout, /^WRONG {2}no content store answers/m);
});

test("check tells all that is wrong with the snapshotter", async (t) => {
  const machine = await Machine.create(t, {
    version: "2.1.9",
    config: `version = 3
imports = ["conf.d/*.toml"]
[proxy_plugins.shoal-overlay]
  type = "snapshot"
  address = "/run/other.sock"
  exports = { root = "/nowhere" }
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "shoal-overlay"
`,
  });
  await mkdir(join(machine.folder, "etc", "conf.d"));
  await writeFile(
    join(machine.folder, "etc", "conf.d", "other.toml"),
    'version = 3\n[plugins."io.containerd.cri.v1.images"]\n  snapshotter = "overlayfs"\n',
  );
  await serveContent(t, machine.socket);
  const { exitCode, stdout } = await machine.shoal("check", "--root", machine.folder);
  assert.equal(exitCode, exitCodes.failure);
  assert.match(stdout, /^WRONG {2}proxy plugin "shoal-overlay" is not the snapshotter at/m);
  assert.match(stdout, /^WRONG {2}\/nowhere is no folder/m);
  assert.match(stdout, /^WRONG {2}the CRI unpacks with "overlayfs"/m);
  assert.match(stdout, /^WRONG {2}unpack_config of the transfer service does not have/m);
  assert.match(stdout, /^WRONG {2}no snapshotter answers at .*snapshots.enabled/m);
  const reason = "connect ENOENT [^ ]*containerd.sock$";
  const silent = "containerd does not answer at [^ ]*containerd.sock; is it running\\? ";
  assert.match(stdout, new RegExp(`^WRONG {2}${silent}${reason}`, "m"));
});

test("check is content with the snapshotter when containerd has it and it answers", async (t) => {
  const machine = await Machine.create(t, { version: "1.7.24", config: "version = 2\n" });
  await machine.shoal("enable", "--snapshotter", "--snapshots-root", machine.folder);
  await serveUnary(t, machine.socket, {
    "/containerd.services.content.v1.Content/Info": { code: 3 },
    "/containerd.services.snapshots.v1.Snapshots/Stat": { code: 5 },
  });
  const plugins = "/containerd.services.introspection.v1.Introspection/Plugins";
  const answers = {
    // A plugin with its type and id.
    "0a06 0a0161 120162": /^ok {5}the running containerd has the snapshotter/m,
    "": /^WRONG {2}the running containerd has no snapshotter .*restart it/m,
    // One with the error of its start, which says "no".
    "0a0c 0a0161 120162 3a04 12026e6f": /^WRONG {2}containerd could not start .*: no$/m,
    ffff: /^WRONG {2}containerd does not answer at .* it is no containerd/m,
  };
  for (const [hex, wanted] of Object.entries(answers)) {
    const response = Buffer.from(hex.replaceAll(" ", ""), "hex");
    await serveUnary(t, machine.containerdSocket, { [plugins]: { response } });
    const { exitCode, stdout } = await machine.shoal("check", "--root", machine.folder);
    assert.match(stdout, wanted);
    assert.equal(exitCode, stdout.includes("WRONG") ? exitCodes.failure : exitCodes.ok);
    assert.equal(stdout.match(/WRONG/g)?.length ?? 0, wanted.source.includes("WRONG") ? 1 : 0);
  }
});

/** A content store that knows no blob. */
async function serveContent(t: TestContext, socket: string): Promise<void> {
  await serveUnary(t, socket, { "/containerd.services.content.v1.Content/Info": { code: 3 } });
}
