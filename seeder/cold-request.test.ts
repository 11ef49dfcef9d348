import assert from "node:assert/strict";
import { test } from "node:test";

import { Credential } from "../core/credential.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { type ColdRequest, isNamedBy, keyOf, placesOf } from "./cold-request.ts";

const { digest } = blobFixture(10);
const place = (registry: string, repository: string) => ({ registry, repository });
const known = {
  ...place("c.example", "own"),
  descriptor: { mediaType: "layer", digest, size: 10 },
};

test("the places of a request are asked in their order, each once, and then the one that is known", () => {
  const from = [place("a.example", "x"), place("b.example", "x"), place("a.example", "x")];
  const names = (request: ColdRequest) =>
    placesOf(request, known).map(({ registry, repository }) => `${registry}/${repository}`);
  assert.deepEqual(names({ digest, from }), ["a.example/x", "b.example/x", "c.example/own"]);
  assert.deepEqual(names({ digest, from: [known] }), ["c.example/own"]);
  assert.deepEqual(placesOf({ digest, from: [] }, undefined), []);
});

test("a client's right is shown to the registry of the first place, and to no other", () => {
  const authorization = new Credential("Basic eDp5");
  const from = [place("a.example", "x"), place("b.example", "x"), place("a.example", "y")];
  assert.deepEqual(
    placesOf({ digest, from, authorization }, known).map((asked) => asked.authorization),
    [authorization, undefined, authorization, undefined],
  );
});

test("requests that may end differently are told apart, and no right is in what tells them", () => {
  const request = { digest, from: [place("a.example", "x")] };
  const [one, other] = [new Credential("Basic eDp5"), new Credential("Basic eDp6")];
  const requests: ColdRequest[] = [
    request,
    { ...request, size: 5 },
    { ...request, mediaType: "layer" },
    { ...request, from: [] },
    { ...request, authorization: one },
    { ...request, authorization: other },
  ];
  assert.equal(new Set(requests.map(keyOf)).size, requests.length);
  assert.equal(keyOf({ ...request }), keyOf(request));
  for (const key of requests.map(keyOf)) assert.doesNotMatch(key, /eDp/);
});

test("a registry is named by all its names, and on any port by one without a port", () => {
  const origin = { lists: () => false };
  for (const [name, registry, expected] of [
    ["reg.local", "reg.local:5000", true],
    ["REG.local", "reg.local", true],
    ["reg.local:443", "reg.local", true],
    ["reg.local", "reg.local:443", true],
    ["index.docker.io:443", "docker.io", true],
    ["[fd00:0::1]", "[fd00::1]:5000", true],
    ["reg.local:5000", "reg.local", false],
    ["reg.local:5000", "reg.local:5001", false],
    ["reg.local:443", "reg.local:5000", false],
    ["local", "reg.local:5000", false],
    ["reg.local", "reg.local.example", false],
    ["[fd00::1]", "[fd00::1:5000]", false],
  ] as const) {
    const named = isNamedBy({ from: [{ registry: name }] }, registry, origin);
    assert.equal(named, expected, `${name} ${registry}`);
  }
});
