import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { detectCompression, magicLength } from "./compression.ts";

test("compression is known by the first bytes", () => {
  assert.equal(detectCompression(gzipSync("x").subarray(0, magicLength)), "gzip");
  assert.equal(detectCompression(zstdCompressSync("x").subarray(0, magicLength)), "zstd");
  for (let last = 0x50; last <= 0x5f; last++) {
    const skippable = Buffer.of(last, 0x2a, 0x4d, 0x18, 0, 0, 0, 0);
    assert.equal(detectCompression(skippable), "zstd");
    assert.equal(detectCompression(skippable.subarray(0, 7)), "none");
  }
});

test("everything else is not compressed", () => {
  const others = ["", "1f8b", "1f8b07", "28b52f", "602a4d1800000000", "425a68", "fd377a585a00"];
  for (const hex of others) assert.equal(detectCompression(Buffer.from(hex, "hex")), "none", hex);
});
