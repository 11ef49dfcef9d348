import assert from "node:assert/strict";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { LayerFormatError } from "../errors.ts";
import { asRoot, attributeOf, ownership, pathsIn, unpack } from "./unpacked-tree.test-support.ts";
import { whiteoutFrom } from "./whiteout.ts";

test("a whiteout becomes overlayfs's own", asRoot, async (t) => {
  const { path } = await unpack(t, [{ name: "a/" }, { name: "a/.wh.gone", uid: 3, gid: 4 }]);
  assert.deepEqual(pathsIn(path), ["a", "a/gone"]);
  assert.equal(ownership(join(path, "a/gone")), "20000 3:4");
  assert.equal(lstatSync(join(path, "a/gone")).rdev, 0);
});

test(
  "an opaque directory gets overlayfs's mark, also where nothing describes it",
  asRoot,
  async (t) => {
    const { path, layer } = await unpack(t, [
      { name: "a/" },
      { name: "a/file" },
      { name: "a/.wh..wh..opq" },
      { name: "b/.wh..wh..opq" },
      { name: ".wh..wh..opq" },
    ]);
    assert.deepEqual(pathsIn(path), ["a", "a/file", "b"]);
    for (const directory of ["a", "b", "."]) {
      const mark = attributeOf(join(path, directory), "trusted.overlay.opaque");
      assert.deepEqual(mark, Buffer.from("y"), directory);
    }
    assert.deepEqual(layer.impliedDirectories, ["b"]);
  },
);

test("names that only look special hide what they name", asRoot, async (t) => {
  const { path } = await unpack(t, [{ name: ".wh..wh.plnk" }, { name: ".wh.dir/" }]);
  assert.deepEqual(pathsIn(path), [".wh.plnk", "dir"]);
  assert.equal(ownership(join(path, "dir")), "20000 0:0");
});

test("what a layer has cannot be hidden by it, but may come back", asRoot, async (t) => {
  await assert.rejects(unpack(t, [{ name: "a" }, { name: ".wh.a" }]), LayerFormatError);
  await assert.rejects(unpack(t, [{ name: ".wh.a" }, { name: ".wh.a" }]), LayerFormatError);
  const { path } = await unpack(t, [{ name: ".wh.a" }, { name: "a", content: "back" }]);
  assert.equal(readFileSync(join(path, "a"), "utf8"), "back");
});

test("a whiteout of no name is refused", () => {
  for (const name of [".wh.", ".wh..", ".wh..."]) {
    assert.throws(() => whiteoutFrom(name), LayerFormatError, name);
  }
});

test("in the lowest layer a whiteout removes what it names, and nothing is left of it", async (t) => {
  const { path, layer } = await unpack(
    t,
    [
      { name: "dir/file", content: "x" },
      { name: "dir/sub/deep" },
      { name: "keep", content: "x" },
      { name: ".wh.dir" },
      { name: ".wh.never" },
      { name: "sub/.wh.keep" },
    ],
    { whiteouts: "removal" },
  );
  assert.deepEqual(pathsIn(path), ["keep", "sub"]);
  assert.deepEqual(layer.impliedDirectories, ["sub"]);
  assert.equal(layer.usage.inodes, 3);
});

test("in the lowest layer an opaque directory keeps what was described", async (t) => {
  const { path } = await unpack(
    t,
    [
      { name: "a/" },
      { name: "a/file" },
      { name: "a/described/" },
      { name: "a/described/implied/file" },
      { name: "a/implied/file" },
      { name: "a/.wh..wh..opq" },
    ],
    { whiteouts: "removal" },
  );
  // containerd does so, too: what it did not note it takes for a lower layer's.
  assert.deepEqual(pathsIn(path), ["a", "a/described", "a/file"]);
});
