import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { FailedPreconditionError } from "../../core/errors.ts";
import { localContentPlugin, parseContainerdConfig } from "./containerd-config.ts";
import { enabledContainerdConfig, newContainerdConfig } from "./enable-lines.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";

const options = { socket: "/run/shoal/content.sock", configVersionMax: 3 };

/** Enables, and checks what must hold for every configuration. */
function enable(text: string): string {
  const enabled = enabledContainerdConfig(text, options);
  const config = parseContainerdConfig(enabled);
  assert.equal(config.disabledPlugins.includes(localContentPlugin), true);
  const ours = config.proxyPlugins.filter(({ id }) => id === "shoal");
  assert.deepEqual(ours, [{ id: "shoal", type: "content", address: options.socket }]);
  assert.equal(hasOwnBlock(enabled), true);
  assert.equal(withoutOwnBlocks(enabled), text, "does not come back byte for byte");
  return enabled;
}

test("what containerd writes by default is enabled and comes back byte for byte", async () => {
  const folder = new URL("fixtures/", import.meta.url);
  for (const name of await readdir(folder)) {
    const text = await readFile(new URL(name, folder), "utf8");
    enable(text);
    enable(text.replaceAll("\n", "\r\n"));
    enable(text.trimEnd());
  }
});

test("our entry joins those of a list, whatever its form", () => {
  const lists = [
    '["a"]',
    '["a",]',
    '[ "a" , "b" ]',
    "['a']",
    "[\n]",
    '[\n  "a",\n]',
    '[ # first\n  "a", # second\n  # third\n]',
    '["a"] # "b"]',
    "[]",
    "[ ]",
  ];
  for (const list of lists) {
    const before = parseContainerdConfig(`disabled_plugins = ${list}`).disabledPlugins;
    const enabled = enable(`version = 2\ndisabled_plugins = ${list}\n[grpc]\n  x = 1\n`);
    const after = parseContainerdConfig(enabled).disabledPlugins;
    assert.deepEqual(after.toSorted(), [...before, localContentPlugin].sort(), list);
    enable(`version = 2\ndisabled_plugins = ${list}`);
  }
});

test("a file without the list gets one before its first table", () => {
  const enabled = enable("# mine\nversion = 3\n[grpc]\n  address = 'x'\n");
  assert.match(enabled, /^# mine\nversion = 3\n# >>> shoal .*\ndisabled_plugins = /);
});

test("a store that was disabled before is still so after we are gone", () => {
  const text = `version = 2\ndisabled_plugins = ["${localContentPlugin}"]\n`;
  assert.match(enable(text), /^version = 2\ndisabled_plugins = \[.*\]\n# >>> shoal/);
});

test("other proxy plugins, as tables or with dots, stay as they are", () => {
  enable('version = 2\n[proxy_plugins]\n  [proxy_plugins.x]\n    type = "snapshot"\n');
  enable('version = 2\nproxy_plugins.x.type = "snapshot"\n');
  enable('version = 2\n[proxy_plugins]\nx = { type = "snapshot", address = "/x" }\n');
});

test("mixed line ends and a byte order mark come back as they were", () => {
  enable('version = 2\r\ndisabled_plugins = [\n  "a",\r\n]\n[grpc]\r\n');
  enable("\ufeffversion = 2\n");
});

test("the file of Docker's packages is brought to version 2, and back", () => {
  const text = '# Copyright\n\ndisabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n';
  const config = parseContainerdConfig(enable(text));
  assert.equal(config.version, 2);
  assert.deepEqual(config.disabledPlugins, ["io.containerd.grpc.v1.cri", localContentPlugin]);
  assert.equal(parseContainerdConfig(enable("")).version, 2);
});

test("a file that only a person can decide about is refused, with the reason", () => {
  const bad = {
    "version = 4\n": /version 4, and this containerd reads up to 3/,
    "version = 1\n": /has version 1/,
    "[plugins.cri]\n": /has version 1/,
    'disabled_plugins = ["restart"]\n': /has version 1/,
    "version = 2\nproxy_plugins = {}\n": /on one line/,
    'version = 2\n[proxy_plugins.x]\ntype = "content"\n': /"x" is a content store too/,
    'version = 2\n[proxy_plugins]\nx = {type = "content"}\n': /"x" is a content store too/,
    'version = 2\n[proxy_plugins.shoal]\ntype = "snapshot"\n': /"shoal" that is not ours/,
    'version = 2\ndisabled_plugins = "a"\n': /not a list of names/,
  };
  for (const [text, reason] of Object.entries(bad)) {
    assert.throws(
      () => enabledContainerdConfig(text, options),
      (error) => {
        assert.ok(error instanceof FailedPreconditionError, text);
        assert.match(error.message, reason);
        return true;
      },
    );
  }
});

test("withoutOwnBlocks() keeps what was added around a block, and refuses one that was changed", () => {
  const enabled = enable('version = 2\ndisabled_plugins = ["a"]\n');
  const added = `# new\n${enabled}[debug]\n  level = "info"\n`;
  assert.equal(
    withoutOwnBlocks(added),
    '# new\nversion = 2\ndisabled_plugins = ["a"]\n[debug]\n  level = "info"\n',
  );
  const changed = [
    enabled.replace('["a", ', '["a", "b", '),
    enabled.replace("# <<< shoal", ""),
    enabled.replace("content.sock", "c"),
  ];
  for (const text of changed) {
    assert.throws(() => withoutOwnBlocks(text), FailedPreconditionError);
  }
});

test("newContainerdConfig() is all ours", () => {
  const text = newContainerdConfig({ socket: "/run/a.sock", configVersionMax: 4 });
  assert.equal(withoutOwnBlocks(text), "");
  const config = parseContainerdConfig(text);
  assert.equal(config.version, 4);
  assert.deepEqual(config.proxyPlugins, [{ id: "shoal", type: "content", address: "/run/a.sock" }]);
});
