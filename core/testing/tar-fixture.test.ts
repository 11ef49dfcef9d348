import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { layerFixture } from "./layer-fixture.ts";
import { type TarPart, tarOf } from "./tar-fixture.ts";

const longName = `${"directory/".repeat(20)}${"ü".repeat(80)}`;

const entries: readonly TarPart[] = [
  { name: "bin/", mode: 0o700, uid: 3, gid: 4, mtime: 1_000_000_000 },
  { name: "bin/tool", content: "x".repeat(700), mode: 0o4755, uid: 0, gid: 0 },
  { name: "bin/same", type: "link", linkname: "bin/tool" },
  { name: "bin/there", type: "symlink", linkname: "tool" },
  { name: "null", type: "character-device", devmajor: 1, devminor: 3 },
  { name: longName, content: "deep", pax: { "SCHILY.xattr.user.x": Buffer.from([0, 0x80]) } },
  { name: "last", uid: 4_000_000_000, gid: 0 },
];

test("tar reads what the fixture wrote", () => {
  const listing = execFileSync("tar", ["--numeric-owner", "--utc", "-tvf", "-"], {
    input: tarOf(entries),
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  }).toString();
  const lines = listing.trimEnd().split("\n");
  assert.equal(lines.length, 7);
  assert.match(lines[0] ?? "", /^drwx------ 3\/4 .* 2001-09-09 .* bin\/$/);
  assert.match(lines[1] ?? "", /^-rwsr-xr-x 0\/0 +700 .* bin\/tool$/);
  assert.match(lines[2] ?? "", /^h.* bin\/same link to bin\/tool$/);
  assert.match(lines[3] ?? "", /^l.* bin\/there -> tool$/);
  assert.match(lines[4] ?? "", /^c.* 1,3 .* null$/);
  assert.ok(lines[5]?.endsWith(longName));
  assert.match(lines[6] ?? "", /^-.* 4000000000\/0 .* last$/);
});

test("a layer is the same each time, and known by what it is", () => {
  for (const compression of ["gzip", "zstd", "none"] as const) {
    const layer = layerFixture(entries, compression);
    assert.equal(layer.digest, layerFixture(tarOf(entries), compression).digest);
    assert.equal(layer.digest === layer.diffId, compression === "none");
  }
});
