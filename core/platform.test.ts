import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "./errors.ts";
import { formatPlatform, parsePlatform } from "./platform.ts";

test("platforms are read as they are written", () => {
  for (const text of ["linux/amd64", "linux/arm/v7", "windows/amd64"]) {
    assert.equal(formatPlatform(parsePlatform(text)), text);
  }
});

test("parsePlatform() refuses what is none", () => {
  for (const text of [
    "",
    "linux",
    "linux/",
    "/amd64",
    "linux/arm/",
    "linux/arm/v7/x",
    "li nux/a",
  ]) {
    assert.throws(() => parsePlatform(text), InvalidArgumentError, text);
  }
});
