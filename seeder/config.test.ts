import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../core/errors.ts";
import { parseSeederConfig } from "./config.ts";

function problemsIn(text: string): readonly string[] {
  try {
    parseSeederConfig(text, "seeder.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("every key has a default", () => {
  const config = parseSeederConfig("", "seeder.yaml");
  assert.deepEqual(config.listen, { host: "::", port: 7072 });
  assert.equal(config.store.budgetBytes, 100 * 1024 ** 3);
  assert.equal(config.otherRegistries, true);
});

test("what cannot be is refused, all of it at once and with its line", () => {
  const problems = problemsIn(`
store:
  budgetBytes: much
  pins: ["registry.example/team/base:12", "UPPER/case", ""]
  more: 1
origins:
  - {kind: registry, host: "a b"}
  - {kind: directory, host: a.example}
  - {kind: ftp, host: a.example}
  - {kind: registry, host: a.example, caFile: relative.pem}
fetch: {blobsMax: 0, preheatTimeoutMs: 1s}
credentialsFile: ./config.json
`);
  for (const [line, what] of [
    [3, "budgetBytes"],
    [4, "pins"],
    [5, "more"],
    [7, "host"],
    [8, "path"],
    [9, "kind"],
    [10, "caFile"],
    [11, "blobsMax"],
    [11, "preheatTimeoutMs"],
    [12, "credentialsFile"],
  ] as const) {
    const found = problems.filter((problem) => problem.includes(`:${line}`));
    assert.ok(
      found.some((problem) => problem.includes(what)),
      `${line} ${what}: ${problems.join("\n")}`,
    );
  }
});
