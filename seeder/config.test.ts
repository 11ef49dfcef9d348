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

test("what keys cannot be together is refused, beside what is wrong by itself", () => {
  const problems = problemsIn(`
listen: "[::]:7000"
swarm: { listen: "10.0.0.1:7000", connectionsMax: 1.5 }
preheat: { nodesMax: 10, nodesAtOnce: 11, nodeTimeoutMs: 1s }
origins:
  - { kind: registry, host: docker.io }
  - { kind: directory, host: index.docker.io, path: /srv }
notifications: { enabled: true }
push: { enabled: true, registry: other.example, writesMax: 0 }
otherRegistries: false
publishToken: short
`);
  const places = problems.map((problem) => problem.split(": ").slice(0, 2).join(" "));
  assert.deepEqual(places.sort(), [
    "seeder.yaml:11:1 publishToken",
    "seeder.yaml:3:10 swarm.listen",
    "seeder.yaml:3:35 swarm.connectionsMax",
    "seeder.yaml:4:26 preheat.nodesAtOnce",
    "seeder.yaml:4:43 preheat.nodeTimeoutMs",
    "seeder.yaml:7:24 origins[1].host",
    "seeder.yaml:8:1 notifications.secret",
    "seeder.yaml:9:1 push.tokenFile",
    "seeder.yaml:9:24 push.registry",
    "seeder.yaml:9:49 push.writesMax",
  ]);
});

test("a seeder that may ask nobody is refused, and one that allows few nodes is not", () => {
  assert.match(problemsIn("otherRegistries: false")[0] ?? "", /:1:1: otherRegistries: is false/);
  assert.deepEqual(problemsIn("preheat: { nodesMax: 1 }"), []);
});

test("pushes go to a registry, and to one that the seeder may ask", () => {
  const origins = "origins: [{ kind: directory, host: a.example, path: /srv }]";
  const push = (more: string) =>
    problemsIn(`push: { enabled: true, open: true, ${more} }\n${origins}`);
  assert.match(push("")[0] ?? "", /push\.registry: is missing/);
  assert.match(push("registry: a.example")[0] ?? "", /push\.registry: is a\.example, a directory/);
  assert.deepEqual(push("registry: b.example"), []);
});
