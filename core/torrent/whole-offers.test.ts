import assert from "node:assert/strict";
import { test } from "node:test";

import { blobFixture } from "../testing/blob-fixture.ts";
import { WholeOffers } from "./whole-offers.ts";

const { digest, metainfo } = blobFixture(1);
const { infoHash } = metainfo;
const blob = { digest, infoHash, size: 1, path: "/blob", metainfo: async () => metainfo };

/** Offers, and what they do, in order. */
function offering() {
  const done: string[] = [];
  const note = (what: string) => () => void done.push(what);
  const offers = new WholeOffers({
    joined: { join: note("join"), leave: async () => void done.push("leave") },
    post: ({ type }) => done.push(type),
    onStart: note("start"),
    onStop: note("stop"),
  });
  return { offers, done };
}

test("a blob that two owners offer is offered once, until both have let go of it", async () => {
  const { offers, done } = offering();
  const [one, other] = [offers.add(blob), offers.add(blob)];
  assert.deepEqual(done.splice(0), ["start", "seed", "join"]);
  assert.equal(offers.find(infoHash), blob);
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  assert.deepEqual(done, []);
  assert.equal(offers.has(infoHash), true);
  await other[Symbol.asyncDispose]();
  assert.deepEqual(done, ["stop", "withdraw", "leave"]);
  assert.equal(offers.has(infoHash), false);
});

test("an engine that was started again is told of all that is offered", () => {
  const { offers, done } = offering();
  offers.add(blob);
  done.splice(0);
  offers.postAll();
  assert.deepEqual(done, ["seed"]);
  assert.deepEqual([...offers.all()], [blob]);
});
