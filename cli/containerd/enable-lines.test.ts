import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

import { FailedPreconditionError } from "../../core/errors.ts";
import {
  type ContainerdConfig,
  criImagesTable,
  localContentPlugin,
  parseContainerdConfig,
} from "./containerd-config.ts";
import {
  type EnableOptions,
  enabledContainerdConfig,
  newContainerdConfig,
} from "./enable-lines.ts";
import { hasOwnBlock, withoutOwnBlocks } from "./own-block.ts";

const options = { socket: "/run/shoal/content.sock", configVersionMax: 3, criPulls: false };

const contentPlugin = {
  ...{ id: "shoal", type: "content", address: options.socket, root: undefined },
};
const snapshotPlugin = {
  ...{ id: "shoal-overlay", type: "snapshot", address: options.socket, root: "/srv/snapshots" },
};

/** Enables, and checks what must hold for every configuration, without our snapshotter and with it. */
function enable(text: string): string {
  enableSnapshotter(text);
  const enabled = enabledContainerdConfig(text, options);
  const config = parseContainerdConfig(enabled);
  assert.equal(config.disabledPlugins.includes(localContentPlugin), true);
  assert.deepEqual(oursOf(config), [contentPlugin]);
  assert.equal(hasOwnBlock(enabled), true);
  assert.equal(withoutOwnBlocks(enabled), text, "does not come back byte for byte");
  return enabled;
}

function enableSnapshotter(text: string, changes: Partial<EnableOptions> = {}): string {
  const { configVersionMax = 3, criPulls } = changes;
  if (criPulls === undefined) enableSnapshotter(text, { ...changes, criPulls: true });
  const enabled = enabledContainerdConfig(text, {
    ...{ ...options, configVersionMax, criPulls: criPulls === true },
    snapshotsRoot: "/srv/snapshots",
  });
  const config = parseContainerdConfig(enabled);
  if (criPulls) assert.equal(annotationsIn(config), "false");
  assert.deepEqual(oursOf(config), [contentPlugin, snapshotPlugin]);
  assert.equal(config.criSnapshotter, "shoal-overlay");
  assert.ok(config.unpackSnapshotters?.includes("shoal-overlay"));
  assert.doesNotMatch(enabled, /rebase/);
  assert.equal(withoutOwnBlocks(enabled), text, "does not come back byte for byte");
  return enabled;
}

/** What the file says last about whether the CRI tells a snapshotter of images. */
function annotationsIn({ statements, version }: ContainerdConfig): string | undefined {
  const path = [...criImagesTable(version), "disable_snapshot_annotations"];
  const found = statements.filter((one) => one.path.join() === path.join());
  assert.ok(found.length <= 1, "the key is there twice");
  return found[0]?.value;
}

function oursOf({ proxyPlugins }: ContainerdConfig) {
  return proxyPlugins.filter(({ id }) => id.startsWith("shoal"));
}

test("what containerd writes by default is enabled and comes back byte for byte", async () => {
  const folder = new URL("fixtures/", import.meta.url);
  for (const name of await readdir(folder)) {
    const text = await readFile(new URL(name, folder), "utf8");
    enable(text);
    enable(text.replaceAll("\n", "\r\n"));
    enable(text.trimEnd());
    // A file of version 4 has the same tables as one of version 3.
    enableSnapshotter(text.replace("version = 3", "version = 4"), { configVersionMax: 4 });
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
  const text = newContainerdConfig({ ...options, socket: "/run/a.sock", configVersionMax: 4 });
  assert.equal(withoutOwnBlocks(text), "");
  const config = parseContainerdConfig(text);
  assert.equal(config.version, 4);
  assert.deepEqual(config.proxyPlugins, [{ ...contentPlugin, address: "/run/a.sock" }]);
});

test("newContainerdConfig() names the snapshotter where its version has it, and what was the default too", () => {
  for (const configVersionMax of [2, 3, 4]) {
    const text = newContainerdConfig({ ...options, configVersionMax, snapshotsRoot: "/srv/s" });
    assert.equal(withoutOwnBlocks(text), "");
    const config = parseContainerdConfig(text);
    assert.equal(config.version, configVersionMax);
    assert.equal(config.criSnapshotter, "shoal-overlay");
    assert.deepEqual(config.unpackSnapshotters, ["overlayfs", "shoal-overlay"]);
    assert.deepEqual(config.proxyPlugins[1], { ...snapshotPlugin, root: "/srv/s" });
  }
});

test("the snapshotter of the CRI is replaced where it stands, or put into its table", () => {
  const cri2 = '[plugins."io.containerd.grpc.v1.cri".containerd]';
  const cri3 = "[plugins.'io.containerd.cri.v1.images']";
  const files = {
    [`version = 2\n${cri2}\n    snapshotter = "overlayfs" # ours\n`]:
      /^ {4}snapshotter = "shoal-overlay" # ours$/m,
    [`version = 3\n${cri3}\nsnapshotter = ''\n[grpc]\n`]: /^snapshotter = "shoal-overlay"$/m,
    [`version = 2\n  ${cri2}\n`]: /containerd\]\n# >>>.*\n {4}snapshotter = "shoal-overlay"\n/,
    [`version = 3\n${cri3}`]: /images'\]\n# >>>.*\n {2}snapshotter = "shoal-overlay"\n/,
    [`version = 2\n[plugins."io.containerd.grpc.v1.cri"]\ncontainerd.snapshotter = "overlayfs"\n`]:
      /^containerd.snapshotter = "shoal-overlay"$/m,
    'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n':
      /^\[plugins."io.containerd.grpc.v1.cri".containerd\]\n {2}snapshotter = "shoal-overlay"$/m,
    // The table of another version says nothing.
    [`version = 3\n${cri2}\nsnapshotter = "zfs"\n`]: /^\[plugins."io.containerd.cri.v1.images"\]$/m,
  };
  for (const [text, place] of Object.entries(files)) {
    assert.match(enableSnapshotter(text), place, text);
  }
});

test("a CRI that pulls by itself tells the snapshotter of images, in whatever form its table is", () => {
  const cri = '[plugins."io.containerd.grpc.v1.cri".containerd]';
  const key = "disable_snapshot_annotations";
  const files = {
    [`${cri}\n  ${key} = true # why\n`]: [
      `  ${key} = false # why`,
      '  snapshotter = "shoal-overlay"',
    ],
    [`${cri}\n    'snapshotter' = ""\n`]: [`    ${key} = false`],
    [`${cri}\n  snapshotter = "shoal-overlay"\n  ${key} = false\n`]: [],
    ['[plugins."io.containerd.grpc.v1.cri"]\n containerd.snapshotter = "overlayfs"\n']: [
      ` containerd.${key} = false`,
    ],
    [`${cri}\n`]: ['  snapshotter = "shoal-overlay"', `  ${key} = false`],
    "": [cri, '  snapshotter = "shoal-overlay"', `  ${key} = false`],
  };
  for (const [text, lines] of Object.entries(files)) {
    const enabled = enableSnapshotter(`version = 2\n${text}`, { criPulls: true });
    const all = enabled.split("\n");
    for (const line of lines) assert.ok(all.includes(line), `${text}\nis now\n${enabled}`);
  }
  const untold = enableSnapshotter(`version = 2\n${cri}\n`, { criPulls: false });
  assert.doesNotMatch(untold, /disable_snapshot_annotations/);
});

test("a list of the transfer service keeps its entries, in whatever form", () => {
  const transfer = 'plugins."io.containerd.transfer.v1.local"';
  const other = 'platform = "linux", snapshotter = "zfs"';
  const lists = {
    [`[[${transfer}.unpack_config]]\nsnapshotter = "zfs"\n`]: ["zfs", "shoal-overlay"],
    [`[[${transfer}.unpack_config]]\n[grpc]\n`]: ["shoal-overlay"],
    [`[${transfer}]\n  unpack_config = []\n`]: ["shoal-overlay"],
    [`[${transfer}]\n  unpack_config = [{ ${other} }] # mine\n`]: ["shoal-overlay", "zfs"],
    [`[${transfer}]\nunpack_config = [\n # a\n { ${other} },\n]\n`]: ["shoal-overlay", "zfs"],
    [`[${transfer}]\nunpack_config = []\n[plugins."io.containerd.cri.v1.images"]\nsnapshotter = ""\n`]:
      ["shoal-overlay"],
    [`[${transfer}]\nmax_concurrent_downloads = 5\n`]: ["overlayfs", "shoal-overlay"],
    [`[[${transfer}.unpack_config]]\nsnapshotter = "shoal-overlay"\n`]: ["shoal-overlay"],
  };
  for (const [list, names] of Object.entries(lists)) {
    const enabled = enableSnapshotter(`version = 3\n${list}`);
    assert.deepEqual(parseContainerdConfig(enabled).unpackSnapshotters, names, list);
  }
});

test("a snapshotter that only a person can decide about is refused, with the reason", () => {
  const cri = 'plugins."io.containerd.cri.v1.images"';
  const transfer = 'plugins."io.containerd.transfer.v1.local"';
  const bad = {
    [`[${cri}]\nsnapshotter = "stargz"\n`]: /uses the snapshotter "stargz"/,
    '[proxy_plugins.shoal-overlay]\ntype = "snapshot"\n': /"shoal-overlay" that is not ours/,
    "plugins = {}\n": /cri.v1.images" is not written as a table/,
    [`[plugins]\n"io.containerd.cri.v1.images".max_concurrent_downloads = 3\n`]:
      /cri.v1.images" is not written as a table/,
    [`[plugins]\n"io.containerd.transfer.v1.local" = { max_concurrent_downloads = 3 }\n`]:
      /transfer.v1.local" is not written as a table/,
    [`[${transfer}]\nunpack_config = "x"\n`]: /unpack_config is no list/,
  };
  for (const [text, reason] of Object.entries(bad)) {
    const file = `version = 3\n${text}`;
    assert.throws(
      () => enabledContainerdConfig(file, { ...options, snapshotsRoot: "/srv/snapshots" }),
      (error) => error instanceof FailedPreconditionError && reason.test(error.message),
      text,
    );
  }
});
