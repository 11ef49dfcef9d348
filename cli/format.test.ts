import assert from "node:assert/strict";
import { test } from "node:test";

import { formatBytes } from "./format-bytes.ts";
import { formatDuration } from "./format-duration.ts";
import { formatTable } from "./format-table.ts";

test("formatBytes() gives three digits and a unit", () => {
  const expected = {
    0: "0 B",
    999: "999 B",
    1000: "0.98 KiB",
    1536: "1.50 KiB",
    [1024 ** 2 - 1]: "1.00 MiB",
    [50 * 1024 ** 3]: "50.0 GiB",
    [999 * 1024 ** 3]: "999 GiB",
    [5000 * 1024 ** 5]: "5000 PiB",
  };
  for (const [bytes, text] of Object.entries(expected)) {
    assert.equal(formatBytes(Number(bytes)), text);
  }
});

test("formatDuration() gives the two largest units", () => {
  const expected = {
    0: "0.0 s",
    4210: "4.2 s",
    9990: "10 s",
    59_400: "59 s",
    59_900: "1m 00s",
    125_000: "2m 05s",
    11_100_000: "3h 05m",
    300_000_000: "3d 11h",
  };
  for (const [ms, text] of Object.entries(expected)) {
    assert.equal(formatDuration(Number(ms)), text);
  }
});

test("formatTable() lines up its columns and shows no control characters", () => {
  const columns = [
    { title: "NAME", align: "left" },
    { title: "SIZE", align: "right" },
  ] as const;
  assert.equal(
    formatTable(columns, [
      ["long name", "1 B"],
      ["a\u001b[2J", "100 B"],
    ]),
    "NAME        SIZE\nlong name    1 B\na\ufffd[2J      100 B\n",
  );
});
