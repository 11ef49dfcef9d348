import assert from "node:assert/strict";
import { test } from "node:test";

import { z } from "zod";

import { ConfigError } from "../errors.ts";
import { absolutePath, byteCount, httpUrl, listenAddress, milliseconds } from "./fields.ts";
import { loadConfig } from "./load-config.ts";

const schema = z.strictObject({
  listen: listenAddress().default({ host: "127.0.0.1", port: 7072 }),
  store: z.strictObject({
    path: absolutePath(),
    budgetBytes: byteCount({ min: 1 }).default(1024),
  }),
  announceIntervalMs: milliseconds({ min: 1000 }).default(60_000),
  seeders: z.array(httpUrl()).default([]),
  origin: z
    .discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("registry"), registryToken: z.int().default(1) }),
      z.strictObject({ kind: z.literal("directory"), path: absolutePath() }),
    ])
    .optional(),
  udp: z.union([z.literal(false), listenAddress()]).default(false),
  level: z.enum(["debug", "info"]).default("info"),
});

const good = "store:\n  path: /var/lib/x/\n";

function problemsOf(text: string, environment = {}): readonly string[] {
  try {
    loadConfig(text, "a.yaml", schema, { environment });
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "invalid_argument");
    assert.equal(error.message, error.problems.join("\n"));
    return error.problems;
  }
  return assert.fail("was accepted");
}

test("loadConfig() gives the values with their defaults", () => {
  const config = loadConfig(`${good}  budgetBytes: 50GiB\n`, "a.yaml", schema);
  assert.deepEqual(config, {
    listen: { host: "127.0.0.1", port: 7072 },
    store: { path: "/var/lib/x", budgetBytes: 50 * 2 ** 30 },
    announceIntervalMs: 60_000,
    seeders: [],
    udp: false,
    level: "info",
  });
});

test("loadConfig() tells all problems at once, each with its place", () => {
  const text = [
    "announceIntervalMs: 5s",
    "listen: 7072",
    "store:",
    "  budgetByte: 7",
    "  budgetBytes: 50 apples",
    "seeders:",
    "  - http://good:1",
    "  - http://me:sesame@bad:1",
    "level: infos",
    "quite unknown: 1",
  ].join("\n");
  assert.deepEqual([...problemsOf(text)].sort(), [
    "a.yaml:10:1: quite unknown: unknown key, want one of listen, store, announceIntervalMs, seeders, origin, udp, level",
    'a.yaml:1:1: announceIntervalMs: is "5s", want a whole number of milliseconds without a unit: 5000',
    "a.yaml:2:1: listen: is 7072, want text",
    "a.yaml:3:1: store.path: is missing, want text",
    'a.yaml:4:3: store.budgetByte: unknown key, did you mean "budgetBytes"',
    'a.yaml:5:3: store.budgetBytes: is "50 apples", want a whole number of bytes or one with a unit, such as "50GiB"',
    "a.yaml:8:5: seeders[1]: has a user name or password in it, want http:// or https:// followed by host and port",
    'a.yaml:9:1: level: is "infos", did you mean "info"',
  ]);
});

test("loadConfig() words what a union of kinds wants", () => {
  assert.deepEqual(problemsOf(`${good}origin:\n  kind: registri\n`), [
    'a.yaml:4:3: origin.kind: is "registri", did you mean "registry"',
  ]);
  assert.deepEqual(problemsOf(`${good}origin: {}\n`), [
    'a.yaml:3:1: origin.kind: is missing, want one of "registry", "directory"',
  ]);
});

test("loadConfig() words what each form of a value wants", () => {
  assert.deepEqual(problemsOf(`${good}udp: yes\n`), [
    'a.yaml:3:1: udp: is "yes", want "false" or host:port such as "127.0.0.1:7081" or "[::]:7081"',
  ]);
});

test("loadConfig() does not show the value of a key that is named like a secret", () => {
  const [problem] = problemsOf(`${good}origin:\n  kind: registry\n  registryToken: sesame\n`);
  assert.match(problem ?? "", /registryToken: does not fit, want a whole number$/);
});

test("loadConfig() tells where YAML itself is broken", () => {
  assert.match(problemsOf("store: [1\nlisten: x")[0] ?? "", /^a\.yaml:2:1: /);
  assert.match(problemsOf("level: info\nlevel: debug")[0] ?? "", /^a\.yaml:2:1: .*unique/);
  assert.match(problemsOf("level: !custom info")[0] ?? "", /^a\.yaml:1:8: .*!custom/);
  assert.match(problemsOf("level: info\n---\nlevel: info")[0] ?? "", /^a\.yaml:2:1: /);
});

test("loadConfig() refuses values that are no mapping", () => {
  assert.match(problemsOf("- 1")[0] ?? "", /^a\.yaml:1:1: is a list, want a mapping$/);
  assert.match(problemsOf("")[0] ?? "", /store: is missing, want a mapping$/);
});

test("loadConfig() refuses a second document in words for who wrote the file", () => {
  const lines = good.split("\n").length;
  assert.deepEqual(problemsOf(`${good}---\n${good}`), [
    `a.yaml:${lines}:1: begins a second document (---), want one in a file`,
  ]);
});

test("loadConfig() takes a key whose lines are all comments as not there", () => {
  const config = loadConfig(`${good}seeders:\n  # - http://a:1\n`, "a.yaml", schema);
  assert.deepEqual(config.seeders, []);
});

test("loadConfig() leaves the key `service` to the command", () => {
  assert.equal(loadConfig(`service: seeder\n${good}`, "a.yaml", schema).level, "info");
});

test("loadConfig() lets variables stand above the file, and names them in problems", () => {
  const environment = {
    SHOAL_STORE__BUDGET_BYTES: "1MiB",
    SHOAL_SEEDERS: '["http://a:1"]',
    SHOAL_LISTEN: "[::]:0",
    SHOAL_TRACKER_PORT: "tcp://10.0.0.1:6969",
    HOME: "/root",
  };
  const config = loadConfig(`${good}seeders: []\n`, "a.yaml", schema, { environment });
  assert.equal(config.store.budgetBytes, 2 ** 20);
  assert.deepEqual(config.seeders, ["http://a:1"]);
  assert.deepEqual(config.listen, { host: "::", port: 0 });
  assert.deepEqual(problemsOf(good, { SHOAL_STORE__BUDGET: "1", SHOAL_LEVEL: "loud" }), [
    'environment:SHOAL_STORE__BUDGET: store.budget: unknown key, did you mean "budgetBytes"',
    'environment:SHOAL_LEVEL: level: is "loud", want one of "debug", "info"',
  ]);
});

test("loadConfig() refuses a variable that is too long, and takes no notice of those of others", () => {
  const long = `[${'"http://seeder.example:7072", '.repeat(600)}]`;
  assert.deepEqual(problemsOf(good, { SHOAL_SEEDERS: long }), [
    `environment:SHOAL_SEEDERS: has ${long.length} characters, want at most 16384`,
  ]);
  const environment = { SHOAL_TRACKER_PORT: long, HOME: long };
  assert.deepEqual(loadConfig(good, "a.yaml", schema, { environment }).seeders, []);
});

test("loadConfig() refuses what is too long, too deep, or grows by aliases", () => {
  assert.match(problemsOf(`# ${"x".repeat(256 * 1024)}`)[0] ?? "", /longer than 262144 bytes/);
  for (const deep of ["[", "{a: ", "- ", "? ", "[{a: ", "-\t", "- ? : "]) {
    assert.match(problemsOf(deep.repeat(30_000))[0] ?? "", /nested too deep/, deep);
  }
  const lines = Array.from({ length: 600 }, (_, depth) => `${" ".repeat(depth)}a:\n`);
  assert.equal(problemsOf(lines.join("")).length > 0, true);
  const bomb = ["a: &a [1,1,1,1,1,1,1,1,1]"];
  for (let i = 0; i < 8; i++) {
    const [from, to] = [String.fromCharCode(97 + i), String.fromCharCode(98 + i)];
    bomb.push(`${to}: &${to} [${`*${from},`.repeat(9)}]`);
  }
  assert.match(problemsOf(bomb.join("\n"))[0] ?? "", /alias/);
  assert.equal(problemsOf(Array.from({ length: 999 }, (_, i) => `k${i}: 1`).join("\n")).length, 50);
});

test("loadConfig() is not confused by keys of JavaScript objects", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    assert.match(
      problemsOf(`${good}${key}: {level: debug}\n`)[0] ?? "",
      /a\.yaml:3:1: .*unknown key/,
    );
  }
});

test("loadConfig() ends with a ConfigError or a value on random text", () => {
  const pieces = [
    "store:",
    "\n",
    "  ",
    "path",
    ": ",
    "/x",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a",
    "*a",
    "\t",
    "#",
    '"',
    "'",
    "|",
    "é",
    "\0",
    "? ",
    "!!",
    "%",
    "service",
  ];
  let seed = 42;
  for (let round = 0; round < 500; round++) {
    let text = "";
    for (let i = 0; i < 20; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      text += pieces[(seed >>> 8) % pieces.length] ?? "";
    }
    try {
      loadConfig(text, "a.yaml", schema);
    } catch (error) {
      assert.ok(error instanceof ConfigError, `${JSON.stringify(text)}: ${String(error)}`);
    }
  }
});

test("loadConfig() does not judge a combination of which one key is wrong by itself", () => {
  const message = "does not fit the level";
  const combinations = [
    {
      reads: ["store.budgetBytes", "level"],
      problemsIn: () => [{ path: ["store", "budgetBytes"], message }],
    },
  ];
  const isJudged = (text: string) => {
    try {
      loadConfig(text, "a.yaml", schema, { combinations });
    } catch (error) {
      return error instanceof ConfigError && error.message.includes(message);
    }
    return assert.fail("was accepted");
  };
  assert.equal(isJudged(good), true);
  assert.equal(isJudged(`${good}seeders: 1\nmore: 1\nannounceIntervalMs: 1\n`), true);
  assert.equal(isJudged(`${good}  more: 1\n`), true);
  assert.equal(isJudged(`${good}level: 1\n`), false);
  assert.equal(isJudged(`${good}  budgetBytes: x\n`), false);
  assert.equal(isJudged("store: 1\n"), false);
  assert.equal(isJudged("- 1\n"), false);
});
