import assert from "node:assert/strict";
import { test } from "node:test";

import type { Measurement } from "./measurement.ts";
import { readOptions, usageOf } from "./options.ts";

const measurements = ["one", "two"].map((name): Measurement => {
  return { name, summary: `measures ${name}`, rounds: 1, withinMs: 1, run: async () => [] };
});

const read = (...args: string[]) => readOptions(args, measurements);

test("`readOptions()` finds measurements by name, and all of them", () => {
  const namesOf = (...args: string[]) => {
    const options = read(...args);
    assert(typeof options === "object");
    return options.chosen.map(({ name }) => name);
  };
  assert.deepEqual(namesOf("two"), ["two"]);
  assert.deepEqual(namesOf("two", "one"), ["two", "one"]);
  assert.deepEqual(namesOf("all"), ["one", "two"]);
  assert.deepEqual(namesOf(), []);
  assert.deepEqual(namesOf("--help"), []);
  assert.deepEqual(namesOf("one", "-h"), []);
});

test("`readOptions()` reads what rounds, sizes, nodes and plots are asked for", () => {
  const amounts = ["--rounds", "3", "--size", "64MiB", "--nodes", "4"];
  assert.deepEqual(read("one", "--json", ...amounts, "--others", "--plots", "drawn"), {
    chosen: [measurements[0]],
    isJson: true,
    rounds: 3,
    sizeBytes: 64 * 2 ** 20,
    nodeCount: 4,
    withOthers: true,
    plotsDirectory: "drawn",
  });
});

test("`readOptions()` says what is wrong", () => {
  const problem = (...args: string[]) => {
    const options = read(...args);
    assert(typeof options === "string");
    return options;
  };
  assert.match(problem("three"), /no measurement three/);
  assert.match(problem("one", "--rounds", "0"), /--rounds must be/);
  assert.match(problem("one", "--rounds", "1.5"), /--rounds must be/);
  assert.match(problem("one", "--nodes", "0"), /--nodes must be/);
  assert.match(problem("one", "--size", "64"), /number of bytes/);
  assert.match(problem("one", "--fast"), /--fast/);
});

test("`usageOf()` names every measurement", () => {
  const usage = usageOf(measurements);
  for (const { name, summary } of measurements) {
    assert(usage.includes(name) && usage.includes(summary));
  }
});
