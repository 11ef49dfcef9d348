import assert from "node:assert/strict";
import { test } from "node:test";

import { matchesGlob } from "./glob.ts";

test("matchesGlob() fits whole texts, with wild characters and without", () => {
  const cases: readonly [pattern: string, text: string, isMatch: boolean][] = [
    ["latest", "latest", true],
    ["latest", "latest2", false],
    ["late", "latest", false],
    ["", "", true],
    ["*", "", true],
    ["*", "team/app", true],
    ["team/*", "team/a/b", true],
    ["team/*", "other/team/a", false],
    ["*.example.com:5000", "registry.example.com:5000", true],
    ["*.example.com", "registryxexample.com", false],
    ["v?.*", "v1.22", true],
    ["v?.*", "v12", false],
    ["*-*-rc*", "a-b-c-rc1", true],
    ["?", "", false],
    ["[a-z]", "b", false],
  ];
  for (const [pattern, text, isMatch] of cases) {
    assert.equal(matchesGlob(pattern, text), isMatch, `${pattern} ${text}`);
  }
});

test("matchesGlob() ends soon, whatever the pattern", () => {
  assert.equal(matchesGlob("*a".repeat(120), "a".repeat(255) + "b"), false);
});
