import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Credential } from "./credential.ts";

test("a credential shows itself to nobody who only prints it", () => {
  const credential = new Credential("Basic c2VjcmV0");
  for (const shown of [
    String(credential),
    JSON.stringify({ credential }),
    inspect({ credential }, { depth: 5, showHidden: true }),
  ]) {
    assert.doesNotMatch(shown, /c2VjcmV0/);
  }
  assert.equal(credential.reveal(), "Basic c2VjcmV0");
});

test("two credentials are told apart by their fingerprints", () => {
  const one = new Credential("a").fingerprint();
  assert.notEqual(one, new Credential("b").fingerprint());
  assert.equal(one, new Credential("a").fingerprint());
});
