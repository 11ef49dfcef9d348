import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "./digest.ts";
import { rendezvousOrder } from "./rendezvous.ts";

const names = ["http://a:7072", "http://b:7072", "http://c:7072", "http://d:7072"];
const digests = Array.from({ length: 2000 }, (_, index) => digestOf(Buffer.from(`blob ${index}`)));

test("all have the same order, however they list the seeders", () => {
  for (const digest of digests.slice(0, 20)) {
    const order = rendezvousOrder(digest, names);
    assert.deepEqual([...order].sort(), names);
    assert.deepEqual(rendezvousOrder(digest, [...names].reverse()), order);
    assert.deepEqual(rendezvousOrder(digest, [...names, ...names]), order);
  }
  assert.deepEqual(rendezvousOrder(digestOf(Buffer.from("a")), []), []);
});

test("the order is that of all versions: to change it is to have each blob fetched twice", () => {
  assert.deepEqual(rendezvousOrder(digestOf(Buffer.from("layer")), names), [
    "http://d:7072",
    "http://c:7072",
    "http://b:7072",
    "http://a:7072",
  ]);
});

test("each seeder is the first for its share of the digests", () => {
  for (const name of names) {
    const count = digests.filter((digest) => rendezvousOrder(digest, names)[0] === name).length;
    assert.ok(count > 400 && count < 600, `${name} is the first for ${count} of 2000`);
  }
});

test("without one seeder only what it was the first for goes elsewhere, to who came next", () => {
  const [gone = "", ...left] = names;
  for (const digest of digests) {
    const order = rendezvousOrder(digest, names);
    assert.deepEqual(
      rendezvousOrder(digest, left),
      order.filter((name) => name !== gone),
    );
  }
});
