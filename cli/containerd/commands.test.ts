import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, readdir, stat, symlink, writeFile } from "node:fs/promises";
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
  readonly #containerd: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.config = join(folder, "etc", "config.toml");
    this.socket = join(folder, "content.sock");
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

test("containerd reads what enable wrote", async (t) => {
  const machine = await Machine.create(t, { version: "1.6.20", config: plain });
  await machine.shoal("enable");
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
  assert.match(dump.stdout, /\[proxy_plugins\.shoal\]\s+address = "[^"]*content\.sock"/);
});

/** A content store that knows no blob. */
async function serveContent(t: TestContext, socket: string): Promise<void> {
  const server = new Server();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  server.addService(
    {
      info: {
        path: "/containerd.services.content.v1.Content/Info",
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes.serialize,
        requestDeserialize: bytes.deserialize,
        responseSerialize: bytes.serialize,
        responseDeserialize: bytes.deserialize,
      },
    },
    {
      info: (call: { request: Buffer }, answer: (error: { code: number }) => void) =>
        answer({ code: call.request.toString("latin1").endsWith("x") ? 3 : 13 }),
    },
  );
  const bind = promisify(server.bindAsync.bind(server));
  await bind(`unix://${socket}`, ServerCredentials.createInsecure());
  t.after(() => server.forceShutdown());
}
