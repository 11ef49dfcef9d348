import assert from "node:assert/strict";
import { lstatSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import type { TarPart } from "../testing/tar-fixture.ts";
import { inheritDirectories } from "./inherit-directories.ts";
import {
  type UnpackedTree,
  asRoot,
  attributeOf,
  modified,
  ownership,
  unpack,
} from "./unpacked-tree.test-support.ts";

/** Unpacks layers, the lowest first, and lets each inherit of those below. Gives the last. */
async function unpackImage(
  t: TestContext,
  layers: readonly (readonly TarPart[])[],
): Promise<UnpackedTree> {
  const trees: UnpackedTree[] = [];
  for (const layer of layers) {
    const tree = await unpack(t, layer);
    const parents = trees.map(({ path }) => path);
    await inheritDirectories(tree.path, tree.layer.impliedDirectories, parents);
    trees.unshift(tree);
  }
  const [last] = trees;
  assert.ok(last);
  return last;
}

test(
  "inheritDirectories() copies from the nearest layer that has the directory",
  asRoot,
  async (t) => {
    const { path } = await unpackImage(t, [
      [
        { name: "a/", mode: 0o700, uid: 1 },
        { name: "a/b/", mode: 0o2771, uid: 2, gid: 3, mtime: 5 },
      ],
      [{ name: "a/", mode: 0o1777, uid: 4, gid: 5, pax: { mtime: "6.000000007" } }],
      [{ name: "other" }],
      [{ name: "a/b/c/file" }],
    ]);
    assert.equal(ownership(join(path, "a")), "41777 4:5");
    assert.equal(modified(join(path, "a")), 6_000_000_007n);
    assert.equal(ownership(join(path, "a/b")), "42771 2:3");
    assert.equal(modified(join(path, "a/b")), 5_000_000_000n);
    assert.equal(lstatSync(join(path, "a/b/c")).mode, 0o40755);
  },
);

test("inheritDirectories() copies attributes, but overlayfs's own", asRoot, async (t) => {
  const value = Buffer.from([0, 0x80, 0xff]);
  const { path } = await unpackImage(t, [
    [{ name: "a/", pax: { "SCHILY.xattr.user.x": value } }, { name: "a/.wh..wh..opq" }],
    [{ name: "a/file" }],
  ]);
  assert.deepEqual(attributeOf(join(path, "a"), "user.x"), value);
  assert.equal(attributeOf(join(path, "a"), "trusted.overlay.opaque"), undefined);
});

test(
  "inheritDirectories() copies nothing from below what replaced the directory",
  asRoot,
  async (t) => {
    const below = [
      { name: "a/", mode: 0o700, uid: 1 },
      { name: "a/b/", mode: 0o700, uid: 1 },
    ];
    for (const replacement of [{ name: "a" }, { name: ".wh.a" }]) {
      const { path } = await unpackImage(t, [below, [replacement], [{ name: "a/b/file" }]]);
      assert.equal(ownership(join(path, "a")), "40755 0:0");
      assert.equal(ownership(join(path, "a/b")), "40755 0:0");
    }
  },
);

test(
  "inheritDirectories() gives new directories the group of one whose group they share",
  asRoot,
  async (t) => {
    const { path } = await unpackImage(t, [
      [{ name: "shared/", mode: 0o2775, gid: 50 }],
      [{ name: "shared/new/newer/file" }],
    ]);
    assert.equal(ownership(join(path, "shared")), "42775 0:50");
    assert.equal(ownership(join(path, "shared/new")), "40755 0:50");
    assert.equal(ownership(join(path, "shared/new/newer")), "40755 0:0");
  },
);

test("inheritDirectories() follows links of a layer within it alone", asRoot, async (t) => {
  const lower = await unpack(t, [
    { name: "target/", mode: 0o711, uid: 3 },
    { name: "inside", type: "symlink", linkname: "/target" },
    { name: "outside", type: "symlink", linkname: "/tmp" },
  ]);
  const upper = await unpack(t, [{ name: "inside/file" }, { name: "outside/file" }]);
  await inheritDirectories(upper.path, upper.layer.impliedDirectories, [lower.path]);
  assert.equal(ownership(join(upper.path, "inside")), "40711 3:0");
  assert.equal(ownership(join(upper.path, "outside")), "40755 0:0");
});

test(
  "inheritDirectories() changes nothing through a link that took a directory's place",
  asRoot,
  async (t) => {
    const lower = await unpack(t, [{ name: "a/", mode: 0o700, uid: 3 }]);
    const upper = await unpack(t, [{ name: "other/" }]);
    writeFileSync(join(upper.path, "file"), "");
    symlinkSync("other", join(upper.path, "a"));
    await assert.rejects(inheritDirectories(upper.path, ["a"], [lower.path]));
    assert.equal(ownership(join(upper.path, "other")), "40755 0:0");
  },
);
