import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "./errors.ts";
import {
  distanceOf,
  distances,
  formatPlace,
  isFar,
  parsePlace,
  placeLengthMax,
} from "./topology.ts";

const here = { region: "eu", zone: "eu-1", rack: "r1" };

test("a place is the same after it was text", () => {
  const label = "a".repeat(63);
  for (const place of [
    here,
    { region: undefined, zone: "1", rack: undefined },
    { region: undefined, zone: undefined, rack: undefined },
    { region: label, zone: label, rack: label },
  ]) {
    const text = formatPlace(place);
    assert.ok(text.length <= placeLengthMax);
    assert.deepEqual(parsePlace(text), place);
  }
});

test("parsePlace() refuses what is no place", () => {
  for (const text of [
    "",
    "eu",
    "eu/eu-1",
    "eu/eu-1/r1/x",
    "eu/eu 1/r1",
    "eu/-/r1",
    "eu/\u0000/r1",
    `${"a".repeat(64)}//`,
    "/".repeat(10_000),
  ]) {
    assert.throws(() => parsePlace(text), InvalidArgumentError);
  }
});

test("distanceOf() is the widest border between two hosts", () => {
  assert.equal(distanceOf(here, { ...here }), distances.none);
  assert.equal(distanceOf(here, { ...here, rack: "r2" }), distances.racks);
  assert.equal(distanceOf(here, { ...here, zone: "eu-2" }), distances.zones);
  assert.equal(distanceOf(here, { region: "us", zone: "eu-1", rack: "r1" }), distances.regions);
});

test("what is not known of a host makes no border", () => {
  for (const other of [undefined, {}, { region: "eu" }, { zone: "eu-1" }]) {
    assert.equal(isFar(here, other), false);
    assert.equal(isFar(other, here), false);
  }
  assert.equal(isFar({ zone: "a" }, { zone: "b" }), true);
});
