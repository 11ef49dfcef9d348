import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../core/digest.ts";
import { RecentBlobs } from "./recent-blobs.ts";

const digest = digestOf(Buffer.from("blob"));

test("a blob that is held stays until the last one lets go of it, and a while longer", () => {
  const recent = new RecentBlobs();
  assert.equal(recent.has(digest), false);
  const [first, second] = [recent.hold(digest), recent.hold(digest)];
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  recent.drop(digest);
  assert.equal(recent.has(digest), true);
  second[Symbol.dispose]();
  assert.equal(recent.has(digest), true);
  recent.drop(digest);
  assert.equal(recent.has(digest), false);
});
