import assert from "node:assert/strict";
import { test } from "node:test";

import { GuestWatch } from "./guest-watch.ts";

test("GuestWatch gives up a client that has not said for 10 s what it wants", () => {
  const watch = new GuestWatch(1000);
  assert.equal(watch.hasLapsed(10_999, 100), false);
  assert.equal(watch.hasLapsed(11_000, 100), true);
});

test("GuestWatch gives up a client that takes nothing for a minute", () => {
  const watch = new GuestWatch(0);
  watch.greeted();
  assert.equal(watch.hasLapsed(59_999, 0), false);
  assert.equal(watch.hasLapsed(60_000, 0), true);
});

test("GuestWatch counts what a client takes, and no keep-alives and chokes", () => {
  const watch = new GuestWatch(0);
  watch.greeted();
  assert.equal(watch.hasLapsed(40_000, 16_384), false);
  assert.equal(watch.hasLapsed(70_000, 16_384 + 500), false);
  assert.equal(watch.hasLapsed(99_999, 16_384 + 1000), false);
  assert.equal(watch.hasLapsed(100_000, 16_384 + 1000), true);
});
