import assert from "node:assert/strict";
import { test } from "node:test";

import { renderStatus } from "./render-status.ts";

test("renderStatus() tells how often nodes found no place", () => {
  const text = renderStatus({
    ...{ service: "content-proxy", version: "0.1.0", uptimeMs: 0 },
    refusals: { given: 12, met: 3 },
  });
  assert.equal(
    text,
    `content-proxy 0.1.0, up 0.0 s
refusals   12 given to nodes that found no place, 3 met
`,
  );
});
