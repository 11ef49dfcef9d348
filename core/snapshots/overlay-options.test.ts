import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { overlayFacts, overlayOptions } from "./overlay-options.ts";

test("overlayOptions() are what is configured and what the kernel needs, each once", () => {
  const old = { hasIndex: false, needsUserXattr: false };
  const rootless = { hasIndex: true, needsUserXattr: true };
  assert.deepEqual(overlayOptions(["volatile"], old), ["volatile"]);
  assert.deepEqual(overlayOptions(["a"], rootless), ["a", "userxattr", "index=off"]);
  assert.deepEqual(overlayOptions(["index=on", "userxattr"], rootless), ["index=on", "userxattr"]);
});

test("overlayFacts() can be found out here", () => {
  const facts = overlayFacts(tmpdir());
  assert.equal(typeof facts.hasIndex, "boolean");
  assert.equal(typeof facts.needsUserXattr, "boolean");
});
