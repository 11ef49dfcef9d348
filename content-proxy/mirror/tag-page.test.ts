import assert from "node:assert/strict";
import { test } from "node:test";

import { tagPageOf } from "./tag-page.ts";

const all = { tags: ["c", "a", "d", "b"], next: undefined };

test("tagPageOf() leaves alone what the registry has cut", () => {
  const page = { tags: ["b", "a"], next: { last: "a" } };
  assert.equal(tagPageOf(page, { count: 2, last: "0" }).tags, page.tags);
  assert.equal(tagPageOf(page, { count: 2, last: "0" }).next, page.next);
  assert.deepEqual(tagPageOf(all, {}), all);
});

test("tagPageOf() cuts what the registry has not", () => {
  const first = tagPageOf(all, { count: 3 });
  assert.deepEqual(first, { tags: ["a", "b", "c"], next: { count: 3, last: "c" } });
  assert.deepEqual(tagPageOf(all, { count: 3, last: "c" }), { tags: ["d"], next: undefined });
  assert.deepEqual(tagPageOf(all, { last: "a" }).tags, ["b", "c", "d"]);
  assert.deepEqual(tagPageOf(all, { count: 0 }), { tags: [], next: undefined });
});
