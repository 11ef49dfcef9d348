import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";

import type { BenchContext, Measurement } from "./measurement.ts";
import { runMeasurement } from "./run-measurement.ts";

function measurementOf(
  run: Measurement["run"],
  { withinMs = 60_000 }: { readonly withinMs?: number } = {},
): Measurement {
  return { name: "trial", summary: "", rounds: 2, withinMs, run };
}

const quiet = {
  ...{ rounds: undefined, sizeBytes: undefined, nodeCount: undefined },
  ...{ withOthers: false, plotsDirectory: undefined, tell: () => undefined },
};

test("`runMeasurement()` judges the figures, and removes the folder afterwards", async (t) => {
  let seen: BenchContext | undefined;
  const measurement = measurementOf(async (context) => {
    seen = context;
    assert(existsSync(context.directory));
    return [{ name: "trial.one", unit: "s", ours: [3], hold: { atMost: 2 } }];
  });
  const verdicts = await runMeasurement(measurement, { ...quiet, signal: t.signal });
  assert.deepEqual(
    verdicts.map(({ figure, ok }) => [figure.name, ok]),
    [["trial.one", false]],
  );
  assert.equal(seen?.rounds, 2);
  assert(!existsSync(seen.directory));
});

test("`runMeasurement()` disposes of what was started when a measurement fails", async (t) => {
  let disposals = 0;
  const measurement = measurementOf(async ({ stack }) => {
    stack.defer(() => disposals++);
    throw new Error("no such engine");
  });
  await assert.rejects(
    runMeasurement(measurement, { ...quiet, signal: t.signal }),
    /no such engine/,
  );
  assert.equal(disposals, 1);
});

test("`runMeasurement()` ends a measurement that takes too long", async (t) => {
  const measurement = measurementOf(
    async ({ signal }) => {
      if (!signal.aborted) await once(signal, "abort");
      throw new Error("some echo");
    },
    { withinMs: 1 },
  );
  await assert.rejects(runMeasurement(measurement, { ...quiet, signal: t.signal }), {
    name: "TimeoutError",
  });
});
