import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import { Server, ServerCredentials } from "@grpc/grpc-js";

import { exitCodes } from "../exit-code.ts";
import { runProgram } from "../program.ts";
import { capturedContext } from "../testing/captured-context.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";

const run = promisify(execFile);

const plain = `# mine
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"] # not here

[debug]
  level = "info"
`;

/** A machine with a containerd of a version, which is a script that says so. */
class Machine {
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  readonly containerdSocket: string;
  readonly #containerd: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.config = join(folder, "etc", "config.toml");
    this.socket = join(folder, "content.sock");
    this.containerdSocket = join(folder, "containerd.sock");
    this.#containerd = join(folder, "containerd");
  }

  static async create(t: TestContext, { version, config }: { version: string; config?: string }) {
    const machine = new Machine(await temporaryFolder(t));
    await writeFile(
      machine.#containerd,
      `#!/bin/sh\necho "containerd github.com/x ${version} abc"\n`,
    );
    await chmod(machine.#containerd, 0o755);
    await mkdir(join(machine.folder, "etc"));
    if (config !== undefined) await writeFile(machine.config, config);
    return machine;
  }

  async shoal(command: string, ...flags: readonly string[]) {
    const context = capturedContext();
    const place = ["--containerd-config", this.config];
    const more =
      command === "disable" ? [] : ["--socket", this.socket, "--containerd", this.#containerd];
    if (command === "check") more.push("--containerd-socket", this.containerdSocket);
    const exitCode = await runProgram(
      ["containerd", command, ...place, ...more, ...flags],
      context,
    );
    return { exitCode, ...context.text() };
  }

  async read(): Promise<string> {
    return readFile(this.config, "utf8");
  }
}

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
    await machine.shoal("enable", "--no-snapshotter");
    assert.equal(await machine.read(), contentOnly);
    await machine.shoal("enable", "--snapshotter");
    assert.match(await machine.read(), /root = "\/var\/lib\/shoal\/snapshots"/);
    await machine.shoal("disable");
    assert.equal(await machine.read(), config);
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
  t.after(() => server.close());
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
  assert.match(stdout, /^WRONG {2}containerd does not answer at .*containerd.sock/m);
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

/** A content store that knows no blob. */
async function serveContent(t: TestContext, socket: string): Promise<void> {
  await serveUnary(t, socket, { "/containerd.services.content.v1.Content/Info": { code: 3 } });
}

/** A gRPC server that answers each method in one way; it takes over a socket that is served. */
async function serveUnary(
  t: TestContext,
  socket: string,
  answers: Readonly<Record<string, { readonly code?: number; readonly response?: Buffer }>>,
): Promise<void> {
  const server = new Server();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  for (const [path, { code, response }] of Object.entries(answers)) {
    const method = {
      ...{ path, requestStream: false, responseStream: false },
      ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
      ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
    };
    type Answer = (error: { code: number } | null, response?: Buffer) => void;
    const call = (_: unknown, answer: Answer) =>
      answer(code === undefined ? null : { code }, response);
    server.addService({ call: method }, { call });
  }
  await rm(socket, { force: true });
  const bind = promisify(server.bindAsync.bind(server));
  await bind(`unix://${socket}`, ServerCredentials.createInsecure());
  t.after(() => server.forceShutdown());
}
