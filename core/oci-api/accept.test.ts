import assert from "node:assert/strict";
import { test } from "node:test";

import { mediaTypes } from "../media-type.ts";
import { isAccepted } from "./accept.ts";

test("isAccepted() finds a media type among those that a client names", () => {
  const { dockerManifest, ociIndex } = mediaTypes;
  assert.equal(isAccepted(`${dockerManifest}, ${ociIndex};q=0.5`, ociIndex), true);
  assert.equal(isAccepted(`${dockerManifest}, */*`, ociIndex), true);
  assert.equal(isAccepted("application/*;q=0.1", ociIndex), true);
  assert.equal(isAccepted(undefined, ociIndex), true);
  assert.equal(isAccepted("", ociIndex), true);
  assert.equal(isAccepted(`${dockerManifest}, text/*`, ociIndex), false);
});
