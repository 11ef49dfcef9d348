import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { exitCodes } from "../exit-code.ts";
import { Machine } from "../testing/machine.ts";

const run = promisify(execFile);

const plain = `# mine
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"] # not here

[debug]
  level = "info"
`;

test("enable shows the difference, keeps a copy, and disable brings every byte back", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await chmod(machine.config, 0o640);
  const enabled = await machine.shoal("enable");
  assert.equal(enabled.exitCode, exitCodes.ok);
  assert.match(enabled.stdout, /^\+disabled_plugins = \["io.containerd.grpc.v1.cri", "io/m);
  assert.match(enabled.stderr, /Restart containerd/);
  assert.equal(await readFile(`${machine.config}.before-shoal`, "utf8"), plain);
  assert.equal((await stat(machine.config)).mode & 0o777, 0o640);

  const disabled = await machine.shoal("disable");
  assert.equal(disabled.exitCode, exitCodes.ok);
  assert.match(disabled.stderr, /byte for byte what it was/);
  assert.equal(await machine.read(), plain);
  assert.deepEqual(await readdir(join(machine.folder, "etc")), ["config.toml"]);
});

test("enable and disable done twice do nothing the second time", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await machine.shoal("enable");
  const text = await machine.read();
  const again = await machine.shoal("enable");
  assert.equal(again.exitCode, exitCodes.ok);
  assert.match(again.stdout, /is as it should be/);
  assert.equal(await machine.read(), text);
  await machine.shoal("disable");
  const noMore = await machine.shoal("disable");
  assert.equal(noMore.exitCode, exitCodes.ok);
  assert.match(noMore.stdout, /no lines of ours/);
});

test("disable says so when there is no such file", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20" });
  const { exitCode, stdout } = await machine.shoal("disable");
  assert.equal(exitCode, exitCodes.ok);
  assert.equal(stdout, `${machine.config} is not there: nothing to take out.\n`);
});

test("a file that is no TOML is named, with the line", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: "version = 2\nroot\n" });
  const said = `Cannot read ${machine.config} as TOML at line 2: `;
  const enabled = await machine.shoal("enable");
  assert.equal(enabled.exitCode, exitCodes.usage);
  assert.ok(enabled.stderr.startsWith(`shoal: ${said}`), enabled.stderr);
  const checked = await machine.shoal("check");
  assert.ok(checked.stdout.includes(`WRONG  ${said}`), checked.stdout);
});

test("a mistake is told with the line that it has in a file with lines of ours", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: "version = 2\n" });
  await machine.shoal("enable");
  const wrong = `${await machine.read()}root\n`;
  await writeFile(machine.config, wrong);
  const line = wrong.trimEnd().split("\n").length;
  assert.ok(line > 2);
  const { stderr } = await machine.shoal("enable");
  assert.ok(stderr.includes(`as TOML at line ${line}: `), stderr);
});

test("enable without a file makes one of the version that containerd reads, disable removes it", async (t) => {
  const versions = { "1.6.20": 2, "v1.7.24": 2, "v2.1.9": 3, "v2.3.0": 4, "v3.0.0": 4 };
  for (const [version, configVersion] of Object.entries(versions)) {
    const machine = await Machine.create(t, { version });
    await machine.shoal("enable");
    assert.match(await machine.read(), new RegExp(`^version = ${configVersion}$`, "m"));
    assert.match((await machine.shoal("enable")).stdout, /is as it should be/);
    await machine.shoal("disable");
    assert.deepEqual(await readdir(join(machine.folder, "etc")), []);
  }
});

test("enable with another socket replaces our lines, and the first copy stays", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await machine.shoal("enable");
  await machine.shoal("enable", "--socket", "/run/other.sock");
  assert.match(await machine.read(), /address = "\/run\/other.sock"/);
  assert.doesNotMatch(await machine.read(), /content.sock/);
  await machine.shoal("disable");
  assert.equal(await machine.read(), plain);
});

test("lines that were changed since stay when ours go, and the copy is kept", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await machine.shoal("enable");
  await writeFile(machine.config, (await machine.read()).replace('"info"', '"debug"'));
  const { stderr } = await machine.shoal("disable");
  assert.match(stderr, /Other lines were changed since and stay/);
  assert.equal(await machine.read(), plain.replace('"info"', '"debug"'));
  assert.equal(await readFile(`${machine.config}.before-shoal`, "utf8"), plain);
  await machine.shoal("enable");
  assert.notEqual(await readFile(`${machine.config}.before-shoal.1`, "utf8"), plain);
});

test("disable refuses when our own lines were changed", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await machine.shoal("enable");
  const changed = (await machine.read()).replace("content.sock", "c.sock");
  await writeFile(machine.config, changed);
  const { exitCode, stderr } = await machine.shoal("disable");
  assert.equal(exitCode, exitCodes.failure);
  assert.match(stderr, /were changed since; take them out by hand/);
  assert.equal(await machine.read(), changed);
});

test("enable --snapshotter and plain enable turn one into the other, and disable undoes both", async (t) => {
  for (const [version, configVersion] of Object.entries({ "1.6.20": 2, "2.1.9": 3, "2.3.0": 4 })) {
    const config = `version = ${configVersion}\n[debug]\n  level = "info"`;
    const machine = await Machine.create(t, { version, config });
    await machine.shoal("enable");
    const contentOnly = await machine.read();
    const enabled = await machine.shoal("enable", "--snapshotter", "--snapshots-root", "/srv/s");
    assert.equal(enabled.exitCode, exitCodes.ok);
    assert.match(enabled.stdout, /^\+\[proxy_plugins.shoal-overlay\]$/m);
    assert.match(enabled.stdout, /^\+ {4}root = "\/srv\/s"$/m);
    assert.match(enabled.stderr, /snapshots\.enabled/);
    const again = await machine.shoal("enable", "--snapshotter", "--snapshots-root", "/srv/s");
    assert.match(again.stdout, /is as it should be/);
    const left = await machine.shoal("enable", "--no-snapshotter");
    assert.match(left.stderr, /^Remove the containers that were made with "shoal-overlay" before/m);
    assert.equal(await machine.read(), contentOnly);
    await machine.shoal("enable", "--snapshotter");
    assert.match(await machine.read(), /root = "\/var\/lib\/shoal\/snapshots"/);
    const disabled = await machine.shoal("disable");
    assert.match(disabled.stderr, /^Remove the containers/m);
    assert.equal(await machine.read(), config);
  }
});

test("a CRI that pulls by itself is told to say which image a layer is of, and no other", async (t) => {
  const versions = { "1.6.20": true, "1.7.24": true, "v2.0.2": true, "v2.1.0": false };
  for (const [version, criPulls] of Object.entries(versions)) {
    const machine = await Machine.create(t, { version, config: "version = 2\n" });
    await machine.shoal("enable", "--snapshotter");
    assert.equal((await machine.read()).includes("disable_snapshot_annotations = false"), criPulls);
  }
});

test("--dry-run shows and changes nothing", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  assert.match((await machine.shoal("enable", "--dry-run")).stdout, /^\+\[proxy_plugins.shoal\]/m);
  assert.equal(await machine.read(), plain);
  assert.deepEqual(await readdir(join(machine.folder, "etc")), ["config.toml"]);
});

test("a symbolic link to the configuration stays one", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20" });
  const real = join(machine.folder, "real.toml");
  await writeFile(real, plain);
  await symlink(real, machine.config);
  await machine.shoal("enable");
  assert.match(await readFile(real, "utf8"), /proxy_plugins/);
  await machine.shoal("disable");
  assert.equal(await readFile(real, "utf8"), plain);
});

test("enable refuses a containerd that is missing, too old, or says something else", async (t) => {
  for (const version of ["1.5.9", "nonsense"]) {
    const machine = await Machine.create(t, { version, config: plain });
    assert.equal((await machine.shoal("enable")).exitCode, exitCodes.failure);
    assert.equal(await machine.read(), plain);
  }
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  const missing = await machine.shoal("enable", "--containerd", "/nowhere/containerd");
  assert.equal(missing.exitCode, exitCodes.failure);
  assert.match(missing.stderr, /Cannot run \/nowhere\/containerd; install/);
});

test("enable refuses a file that is no text, and leaves it alone", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20" });
  const bytes = Buffer.from([0x23, 0xff, 0xfe, 0x0a]);
  await writeFile(machine.config, bytes);
  assert.equal((await machine.shoal("enable")).exitCode, exitCodes.usage);
  assert.deepEqual(await readFile(machine.config), bytes);
});

test("containerd reads what enable wrote", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: "version = 2\n" });
  await machine.shoal("enable", "--snapshotter");
  const dump = await run("containerd", ["--config", machine.config, "config", "dump"]).catch(
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    },
  );
  if (!dump) {
    t.skip("no containerd here");
    return;
  }
  assert.match(dump.stdout, /snapshotter = "shoal-overlay"/);
  assert.match(dump.stdout, /\[proxy_plugins\.shoal-overlay\]\s+address = "[^"]*content\.sock"/);
  assert.match(dump.stdout, /\[proxy_plugins\.shoal\]\s+address = "[^"]*content\.sock"/);
});
