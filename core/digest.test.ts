import assert from "node:assert/strict";
import { test } from "node:test";

import { algorithmOf, digestOf, hexOf, isDigest, parseDigest } from "./digest.ts";
import { InvalidArgumentError } from "./errors.ts";

const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("parseDigest() takes the three algorithms of go-digest", () => {
  assert.equal(parseDigest(empty), empty);
  assert.equal(algorithmOf(parseDigest(`sha512:${"a".repeat(128)}`)), "sha512");
  assert.equal(algorithmOf(parseDigest(`sha384:${"b".repeat(96)}`)), "sha384");
});

test("parseDigest() refuses everything else", () => {
  const bad = ["", "sha256", "sha256:", empty.toUpperCase(), empty.slice(0, -1), `${empty}0`];
  const worse = [`md5:${"a".repeat(32)}`, `sha256:${"../".repeat(21)}a`, `${empty}\n`, `x${empty}`];
  for (const text of [...bad, ...worse]) {
    assert.throws(() => parseDigest(text), InvalidArgumentError, text);
    assert.equal(isDigest(text), false);
  }
});

test("digestOf() agrees with the known digest of no bytes", () => {
  assert.equal(digestOf(new Uint8Array()), empty);
  assert.equal(hexOf(digestOf(new Uint8Array())), empty.slice(7));
});
