import assert from "node:assert/strict";
import { test } from "node:test";

import { chainIdsOf } from "./chain-id.ts";
import { digestOf } from "./digest.ts";

test("chainIdsOf() names each layer with those below it", () => {
  const [low, middle, top] = ["low", "middle", "top"].map((text) => digestOf(Buffer.from(text)));
  assert.ok(low && middle && top);
  const second = digestOf(Buffer.from(`${low} ${middle}`));
  const third = digestOf(Buffer.from(`${second} ${top}`));
  assert.deepEqual(chainIdsOf([low, middle, top]), [low, second, third]);
  assert.deepEqual(chainIdsOf([]), []);
});
