import assert from "node:assert/strict";
import { test } from "node:test";

import { Credential } from "../core/credential.ts";
import { blobFixture } from "../core/testing/blob-fixture.ts";
import { type ColdRequest, keyOf, placesOf } from "./cold-request.ts";

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
