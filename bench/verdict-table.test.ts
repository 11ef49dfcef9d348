import assert from "node:assert/strict";
import { test } from "node:test";

import { judge } from "./figure.ts";
import { verdictTable } from "./verdict-table.ts";

test("`verdictTable()` lines up medians and spreads, and names what does not hold", () => {
  const table = verdictTable([
    judge({
      name: "pull.10MB",
      unit: "ms",
      ours: [120, 100, 140],
      reference: [100, 100, 100],
      hold: { atMost: 1 },
    }),
    judge({ name: "idle.rss", unit: "MiB", ours: [42.25], hold: { atMost: 160 } }),
    judge({ name: "swarm.cpu", unit: "s", ours: [1.234] }),
  ]);
  assert.deepEqual(
    table.split("\n"),
    [
      "figure     ours           reference      unit  ratio             hold        ",
      "pull.10MB  120 (100-140)  100 (100-100)  ms    1.20 (1.00-1.40)  <= 1        NOT HELD",
      "idle.rss   42.3           -              MiB   -                 <= 160 MiB  ok",
      "swarm.cpu  1.23           -              s     -                 -",
      "",
    ].map((line) => line.trimEnd()),
  );
});
