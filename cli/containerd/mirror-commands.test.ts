import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { exitCodes } from "../exit-code.ts";
import { serveHttp } from "../testing/http-fixture.ts";
import { Machine } from "../testing/machine.ts";
import { parseContainerdConfig } from "./containerd-config.ts";

const fixtures = new URL("fixtures/", import.meta.url);

/** Versions of containerd with what their `config default` prints. */
const releases = {
  "1.6.20": "containerd-1.6.toml",
  "1.7.24": "containerd-1.7.toml",
  "2.1.9": "containerd-2.x.toml",
};

test("enable --mirror sets config_path and writes hosts.toml, disable brings every byte back", async (t) => {
  for (const [version, name] of Object.entries(releases)) {
    const config = await readFile(new URL(name, fixtures), "utf8");
    const machine = await Machine.create(t, { version, config });
    const enabled = await machine.shoal("enable", "--mirror");
    assert.equal(enabled.exitCode, exitCodes.ok, enabled.stderr);
    const written = parseContainerdConfig(await machine.read());
    assert.equal(written.criHostsPath, machine.certs);
    assert.equal(written.transferHostsPath, machine.certs);
    assert.deepEqual(written.proxyPlugins, []);
    assert.deepEqual(written.disabledPlugins, []);
    const hosts = await machine.readHosts("_default");
    assert.match(hosts, /^\[host\."http:\/\/127\.0\.0\.1:7082"\]$/m);
    assert.match(hosts, /^ {2}capabilities = \["pull","resolve"\]$/m);
    assert.equal(/dial_timeout/.test(hosts), version.startsWith("2."));
    assert.doesNotMatch(hosts, /^server/m);
    assert.match(enabled.stderr, /mirror\.enabled[^]*store\.root[^]*Restart containerd/);
    assert.match(enabled.stdout, /^\+\[host\."http:.*\n/m);

    assert.match((await machine.shoal("enable", "--mirror")).stdout, /is as it should be/);
    assert.equal((await machine.shoal("disable")).exitCode, exitCodes.ok);
    assert.equal(await machine.read(), config);
    assert.deepEqual((await readdir(machine.folder)).includes("certs.d"), false);
  }
});

test("the mirror goes with the content store and with the snapshotter, and leaves by itself", async (t) => {
  for (const version of ["1.6.20", "1.7.24", "2.1.9"]) {
    const config = `version = ${version.startsWith("2") ? 3 : 2}\n[debug]\n  level = "info"`;
    const machine = await Machine.create(t, { version, config });
    await machine.shoal("enable");
    const contentOnly = await machine.read();
    const both = await machine.shoal("enable", "--content", "--mirror");
    assert.match(await machine.read(), /^\[proxy_plugins\.shoal\]$/m);
    assert.doesNotMatch(both.stderr, /store\.root/);
    await machine.shoal("enable", "--snapshotter", "--mirror");
    assert.match(await machine.read(), /^\[proxy_plugins\.shoal-overlay\]$/m);
    const all = parseContainerdConfig(await machine.read());
    assert.equal(all.criSnapshotter, "shoal-overlay");
    assert.equal(all.criHostsPath, machine.certs);
    await machine.shoal("enable");
    assert.equal(await machine.read(), contentOnly);
    await assert.rejects(machine.readHosts("_default"), /ENOENT/);
    await machine.shoal("enable", "--mirror");
    await machine.shoal("disable");
    assert.equal(await machine.read(), config);
  }
});

test("a disable that fails halfway finds the other files the next time", async (t) => {
  const config = "version = 2\n";
  const machine = await Machine.create(t, { version: "1.7.24", config });
  const hosts = 'server = "https://ghcr.io"\n';
  await machine.writeHosts("ghcr.io", hosts);
  await machine.shoal("enable", "--mirror", "--registry", "ghcr.io");
  // Nothing can be written at this name.
  const inTheWay = join(machine.certs, "ghcr.io", "hosts.toml.shoal-new");
  await mkdir(inTheWay);
  assert.equal((await machine.shoal("disable")).exitCode, exitCodes.failure);
  assert.equal(parseContainerdConfig(await machine.read()).criHostsPath, machine.certs);
  await rmdir(inTheWay);
  assert.equal((await machine.shoal("disable")).exitCode, exitCodes.ok);
  assert.equal(await machine.readHosts("ghcr.io"), hosts);
  assert.equal(await machine.read(), config);
});

test("a registry gets a file of its own with its server, Docker Hub that of its registry", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  const servers = {
    "docker.io": ["docker.io", "https://registry-1.docker.io"],
    "ghcr.io": ["ghcr.io", "https://ghcr.io"],
    "http://10.0.0.5:5000": ["10.0.0.5:5000", "http://10.0.0.5:5000"],
    "localhost:5000": ["localhost:5000", "http://localhost:5000"],
  };
  const flags = Object.keys(servers).flatMap((name) => ["--registry", name]);
  await machine.shoal("enable", "--mirror", ...flags, "--resolve=no");
  for (const [folder = "", server = ""] of Object.values(servers)) {
    const hosts = await machine.readHosts(folder);
    assert.match(hosts, new RegExp(`^server = "${server}"\n\n\\[host\\.`, "m"));
    assert.match(hosts, /capabilities = \["pull"\]/);
  }
  // One that is not named any more goes.
  await machine.shoal("enable", "--mirror", "--registry", "ghcr.io");
  assert.deepEqual(await readdir(machine.certs), ["_default", "ghcr.io"]);
  for (const name of ["a b", "ghcr.io/x", "ftp://ghcr.io", "../x", ""]) {
    const refused = await machine.shoal("enable", "--mirror", "--registry", name);
    assert.equal(refused.exitCode, exitCodes.usage, name);
  }
});

test("somebody's hosts.toml gets the mirror before its hosts, and comes back byte for byte", async (t) => {
  const files = [
    'server = "https://ghcr.io"\n',
    'server = "https://ghcr.io"',
    "",
    '# mine\nserver = "https://x"\n\n[host."https://a"]\n  ca = "/a.pem"\n[host."https://b"]\n',
    'ca = "/a"\r\n[host]\r\n  [host."https://a"]\r\n    skip_verify = true',
    '[host."https://a".header]\n  x = ["y"]\n[other]\n',
  ];
  for (const text of files) {
    const machine = await Machine.create(t, { version: "1.7.24", config: "version = 2\n" });
    await machine.writeHosts("ghcr.io", text);
    const beside = await machine.shoal("enable", "--mirror", "--dry-run");
    assert.match(beside.stderr, /^ghcr\.io has a folder .* add --registry ghcr\.io\.$/m);
    const enabled = await machine.shoal("enable", "--mirror", "--registry", "ghcr.io");
    assert.equal(enabled.exitCode, exitCodes.ok, enabled.stderr);
    assert.doesNotMatch(enabled.stderr, /add --registry/);
    const hosts = await machine.readHosts("ghcr.io");
    const mirror = hosts.indexOf('[host."http://127.0.0.1:7082"]');
    assert.notEqual(mirror, -1);
    for (const other of ["[host]", '[host."https://a"', '[host."https://b"']) {
      if (text.includes(other)) assert.ok(mirror < hosts.indexOf(other), hosts);
    }
    const again = await machine.shoal("enable", "--mirror", "--registry", "ghcr.io");
    assert.match(again.stdout, /is as it should be/);
    await machine.shoal("disable");
    assert.equal(await machine.readHosts("ghcr.io"), text);
    assert.deepEqual(await readdir(join(machine.certs, "ghcr.io")), ["hosts.toml"]);
  }
});

test("folders that containerd looks at already are used, and nothing in them is hidden", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9" });
  const [first, second] = [join(machine.folder, "a"), join(machine.folder, "b")];
  const table = '[plugins."io.containerd.cri.v1.images".registry]';
  const config = `version = 3\n${table}\n  config_path = "${first}:${second}"\n`;
  await writeFile(machine.config, config);
  await mkdir(join(first, "ghcr.io_443_"), { recursive: true });
  await writeFile(join(first, "ghcr.io_443_", "hosts.toml"), 'server = "https://ghcr.io"\n');
  await mkdir(join(second, "quay.io"), { recursive: true });
  const flags = ["--registry", "ghcr.io:443", "--registry", "quay.io", "--registry", "new.example"];
  await machine.shoal("enable", "--mirror", ...flags);
  // One for all registries in the first folder would hide all of the second.
  assert.deepEqual(await readdir(first), ["ghcr.io_443_", "new.example"]);
  assert.deepEqual(await readdir(second), ["_default", "quay.io"]);
  assert.match(await readFile(join(first, "ghcr.io_443_", "hosts.toml"), "utf8"), /7082/);
  assert.equal(parseContainerdConfig(await machine.read()).transferHostsPath, `${first}:${second}`);
  await machine.shoal("disable");
  assert.equal(await machine.read(), config);
  assert.deepEqual(await readdir(first), ["ghcr.io_443_"]);
});

test("enable --mirror refuses what only a person can decide about, and changes nothing", async (t) => {
  const cri = 'plugins."io.containerd.grpc.v1.cri".registry';
  const refused = {
    [`[${cri}.mirrors."docker.io"]\n  endpoint = ["https://m"]\n`]: /registry\.mirrors/,
    [`[${cri}]\n  mirrors = { "docker.io" = { endpoint = [] } }\n`]: /registry\.mirrors/,
    [`[${cri}.configs."a".tls]\n  ca_file = "/a"\n`]: /registry\.configs with tls/,
    [`[${cri}]\n  config_path = ":"\n`]: /names no folder/,
    [`[plugins."io.containerd.grpc.v1.cri"]\nregistry = { }\n`]: /not written as a table/,
  };
  for (const [text, why] of Object.entries(refused)) {
    const machine = await Machine.create(t, { version: "1.7.24", config: `version = 2\n${text}` });
    const { exitCode, stderr } = await machine.shoal("enable", "--mirror");
    assert.equal(exitCode, exitCodes.failure, text);
    assert.match(stderr, why);
    await assert.rejects(readdir(machine.certs), /ENOENT/);
  }
  const machine = await Machine.create(t, { version: "1.7.24", config: "version = 2\n" });
  const hosts = {
    '[host."http://127.0.0.1:7082"]\n': /has http:\/\/127\.0\.0\.1:7082 already/,
    'host = { "https://a" = { } }\n': /not written as tables/,
    "[host\n": /no TOML|at line 1/,
  };
  for (const [text, why] of Object.entries(hosts)) {
    await machine.writeHosts("_default", text);
    const { exitCode, stderr } = await machine.shoal("enable", "--mirror");
    assert.notEqual(exitCode, exitCodes.ok, text);
    assert.match(stderr, why);
    assert.equal(await machine.read(), "version = 2\n");
    assert.equal(await machine.readHosts("_default"), text);
  }
});

test("enable --mirror refuses to hide certificates, and mirrors that an imported file has", async (t) => {
  const machine = await Machine.create(t, {
    version: "1.7.24",
    config: 'version = 2\nimports = ["more.toml"]\n',
  });
  const more = join(machine.folder, "etc", "more.toml");
  await writeFile(more, "version = 2\n");
  await mkdir(join(machine.certs, "ghcr.io"), { recursive: true });
  await writeFile(join(machine.certs, "ghcr.io", "client.cert"), "x");
  const hidden = await machine.shoal("enable", "--mirror", "--registry", "ghcr.io");
  assert.match(hidden.stderr, /would not read client\.cert beside it/);
  await writeFile(
    more,
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a"]\nendpoint = []\n',
  );
  const imported = await machine.shoal("enable", "--mirror");
  assert.match(imported.stderr, /more\.toml has registry\.mirrors/);
  assert.deepEqual(await readdir(machine.certs), ["ghcr.io"]);
});

test("enable refuses parts that do not go together", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  const refused = [
    ["--no-content"],
    ["--mirror", "--no-content", "--snapshotter"],
    ["--registry", "ghcr.io"],
    ["--mirror", "--resolve", "maybe"],
    ["--mirror", "--mirror-address", "nonsense"],
  ];
  for (const flags of refused) {
    const { exitCode } = await machine.shoal("enable", ...flags);
    assert.equal(exitCode, exitCodes.usage, flags.join(" "));
    assert.equal(await machine.read(), "version = 3\n");
  }
});

test("the file of Docker's packages is brought to version 2 for the mirror, and back", async (t) => {
  const config = 'disabled_plugins = ["cri"]\n';
  const machine = await Machine.create(t, { version: "1.7.24", config });
  await machine.shoal("enable", "--mirror");
  const written = parseContainerdConfig(await machine.read());
  assert.equal(written.version, 2);
  assert.deepEqual(written.disabledPlugins, ["io.containerd.grpc.v1.cri"]);
  assert.equal(written.transferHostsPath, machine.certs);
  await machine.shoal("disable");
  assert.equal(await machine.read(), config);
});

test("disable refuses when our lines of a hosts.toml were changed, and says which file", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  await machine.shoal("enable", "--mirror");
  const hosts = await machine.readHosts("_default");
  await machine.writeHosts("_default", hosts.replace("7082", "7083"));
  const { exitCode, stderr } = await machine.shoal("disable");
  assert.equal(exitCode, exitCodes.failure);
  assert.match(stderr, /out of .*certs\.d\/_default\/hosts\.toml: .* were changed since/);
  assert.match(await machine.read(), /config_path/);
});

test("--dry-run shows the files of the mirror and writes none", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  const { stdout } = await machine.shoal("enable", "--mirror", "--dry-run");
  assert.match(stdout, /^\+\+\+ .*_default\/hosts\.toml$/m);
  assert.match(stdout, /^\+ {2}config_path = /m);
  await assert.rejects(readdir(machine.certs), /ENOENT/);
});

test("check knows the level mirror, and what is wrong with it", async (t) => {
  const machine = await Machine.create(t, { version: "2.1.9", config: "version = 3\n" });
  const mirror = await serveHttp(t, (request, response) => {
    response.writeHead(request.url === "/v2/" ? 200 : 404).end();
  });
  const address = mirror.replace("http://", "");
  await machine.shoal("enable", "--mirror", "--mirror-address", address);
  // Shows that the content proxy runs as the owner of the folder, who need not be root.
  await writeFile(machine.socket, "");
  const rootFlags = ["--root", machine.folder];
  const right = await machine.shoal("check", ...rootFlags);
  assert.doesNotMatch(right.stdout, /WRONG/);
  assert.match(right.stdout, /^ok {5}a mirror answers at http:\/\/127/m);
  assert.match(right.stdout, /^ok {5}containerd keeps its blobs itself/m);
  assert.equal(right.exitCode, exitCodes.ok);

  await machine.writeHosts("ghcr.io", 'server = "https://ghcr.io"\n');
  const registry = await machine.shoal("check", ...rootFlags);
  assert.match(registry.stdout, /^ok {5}ghcr\.io is asked without the mirror/m);

  const shared = await machine.shoal("check", "--config", join(machine.folder, "none.yaml"));
  assert.match(shared.stdout, /^WRONG {2}\/var\/lib\/containerd\/.* is containerd's own store/m);

  const proxyConfig = join(machine.folder, "proxy.yaml");
  await writeFile(proxyConfig, `service: content-proxy\nstore: { root: ${machine.folder} }\n`);
  const apart = await machine.shoal("check", "--config", proxyConfig);
  assert.doesNotMatch(apart.stdout, /WRONG/);

  await machine.shoal("enable", "--mirror", "--mirror-address", "127.0.0.1:9");
  const down = await machine.shoal("check", ...rootFlags);
  assert.match(down.stdout, /^WRONG {2}no mirror answers at http:\/\/127\.0\.0\.1:9: /m);

  await writeFile(machine.config, "version = 3\n");
  const unset = await machine.shoal("check", ...rootFlags);
  assert.match(unset.stdout, /^WRONG {2}the CRI does not read hosts\.toml.* not set/m);
  assert.equal(unset.exitCode, exitCodes.failure);
});
