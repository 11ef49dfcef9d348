import assert from "node:assert/strict";
import { test } from "node:test";

import { parseImageReference } from "../image-reference.ts";
import { type TagRule, tagBoundsOf } from "./tag-policy.ts";

const day = 86_400_000;

const rules: readonly TagRule[] = [
  { registry: "*.example", repository: "team/*", tag: "v*", freshForMs: 1, staleIfErrorMs: day },
  { registry: "*.example", tag: "latest", freshForMs: 2, staleIfErrorMs: 0 },
  { registry: "quay.example", freshForMs: 3, staleIfErrorMs: 3 },
];

function boundsOf(text: string, some = rules) {
  const { freshForMs, staleIfErrorMs } = tagBoundsOf(parseImageReference(text), some);
  return [freshForMs, staleIfErrorMs];
}

test("a tag is asked for each time, and told for some hours while its registry is down", () => {
  assert.deepEqual(boundsOf("quay.example/team/app:v1", []), [0, day / 2]);
});

test("latest is never told from memory, unless a rule names it", () => {
  assert.deepEqual(boundsOf("quay.example/team/app", []), [0, 0]);
  const forAll = [{ registry: "*", freshForMs: 5, staleIfErrorMs: 5 }];
  assert.deepEqual(boundsOf("quay.example/team/app:latest", forAll), [0, 0]);
  assert.deepEqual(boundsOf("quay.example/team/app:v1", forAll), [5, 5]);
  const named = [{ tag: "*", freshForMs: 5, staleIfErrorMs: 5 }];
  assert.deepEqual(boundsOf("quay.example/team/app:latest", named), [5, 5]);
});

test("the first rule that fits in all its patterns decides", () => {
  const cases = {
    "quay.example/team/app:v1": [1, day],
    "quay.example/team/app:w1": [3, 3],
    "quay.example/other:v1": [3, 3],
    "quay.example/team/app:latest": [2, 0],
    "other.example/team/app:w1": [0, day / 2],
    "team/app:v1": [0, day / 2],
  };
  for (const [text, bounds] of Object.entries(cases)) assert.deepEqual(boundsOf(text), bounds);
});

test("a digest names the same for ever", () => {
  const text = `quay.example/team/app:latest@sha256:${"a".repeat(64)}`;
  assert.deepEqual(boundsOf(text), [Infinity, Infinity]);
});
