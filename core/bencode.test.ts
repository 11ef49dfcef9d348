import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeBencode, encodeBencode } from "./bencode.ts";
import { InvalidArgumentError } from "./errors.ts";

const sample = { b: 1, a: ["x", -7, []], c: { z: Buffer.from([0, 255]) }, gone: undefined };
const sampleText = "d1:al1:xi-7elee1:bi1e1:cd1:z2:\x00\xffee";

test("encodeBencode() sorts keys and leaves out undefined", () => {
  assert.equal(encodeBencode(sample).toString("latin1"), sampleText);
});

test("decodeBencode() reads back what was encoded", () => {
  const value = decodeBencode(Buffer.from(sampleText, "latin1"));
  assert.ok(value instanceof Map);
  assert.equal(value.get("b"), 1);
  assert.deepEqual(value.get("a"), [Buffer.from("x"), -7, []]);
});

test("decodeBencode() refuses the input cut at every byte", () => {
  const bytes = Buffer.from(sampleText, "latin1");
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => decodeBencode(bytes.subarray(0, end)), InvalidArgumentError, `${end}`);
  }
});

test("decodeBencode() refuses what could be read in two ways, or without bound", () => {
  const bad = ["i01e", "i-0e", "ie", "01:a", "i1e ", "d1:ai1e1:ai2ee", "5:abc", "-1:", "d1:ae"];
  const huge = ["l".repeat(5000), `i${"9".repeat(40)}e`, `l${"le".repeat(200_000)}e`];
  for (const text of [...bad, ...huge]) {
    assert.throws(() => decodeBencode(Buffer.from(text)), InvalidArgumentError, text.slice(0, 20));
  }
});
