import assert from "node:assert/strict";
import { test } from "node:test";

import { formatRfc3339, parseRfc3339 } from "./rfc3339.ts";

test("formatRfc3339() writes what Go writes", () => {
  assert.equal(formatRfc3339(1_700_000_000_000_000_000n), "2023-11-14T22:13:20Z");
  assert.equal(formatRfc3339(1_700_000_000_120_000_000n), "2023-11-14T22:13:20.12Z");
  assert.equal(formatRfc3339(1_700_000_000_000_000_001n), "2023-11-14T22:13:20.000000001Z");
});

test("parseRfc3339() reads every nanosecond back", () => {
  for (const time of [0n, 1n, 1_700_000_000_123_456_789n, 1_700_000_000_999_999_999n]) {
    assert.equal(parseRfc3339(formatRfc3339(time)), time);
  }
});

test("parseRfc3339() heeds the zone that Go wrote", () => {
  assert.equal(parseRfc3339("2023-11-15T00:13:20.5+02:00"), 1_700_000_000_500_000_000n);
});

test("parseRfc3339() knows what is no time", () => {
  for (const text of ["", "now", "2023-11-14", "2023-13-14T22:13:20Z", "2023-11-14T22:13:20"]) {
    assert.equal(parseRfc3339(text), undefined, text);
  }
});
