import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { testFolder } from "../core/testing/test-folder.ts";
import { exitCodes } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import { capturedContext } from "./testing/captured-context.ts";

async function shoal(args: readonly string[], environment = {}) {
  const context = capturedContext({ environment });
  const exitCode = await runProgram(args, context);
  return { exitCode, ...context.text() };
}

test("help and version go to standard output and end well", async () => {
  const help = await shoal(["--help"]);
  assert.equal(help.exitCode, exitCodes.ok);
  for (const word of ["content-proxy", "preheat", "status", "containerd", "config", "Exit codes"]) {
    assert.match(help.stdout, new RegExp(word));
  }
  const version = await shoal(["--version"]);
  assert.equal(version.exitCode, exitCodes.ok);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("wrong usage is told on standard error and ends with 2", async () => {
  const wrong = [
    [],
    ["bogus"],
    ["status", "--bogus"],
    ["status", "extra"],
    ["preheat"],
    ["seeder"],
    ["seeder", "--config", "x", "--log-level", "loud"],
    ["preheat", "a", "--platform", "x"],
    ["preheat", "a", "--seeder", "ftp://x"],
    ["preheat", "a", "--platform", "linux/amd64", "--all-platforms"],
    ["status", "--url", "http://a", "--config", "b"],
    ["containerd", "enable", "--socket", "relative"],
    ["config", "check", "/does/not/exist"],
  ];
  for (const args of wrong) {
    const { exitCode, stdout, stderr } = await shoal(args);
    assert.equal(exitCode, exitCodes.usage, args.join(" "));
    assert.equal(stdout, "");
    assert.notEqual(stderr, "", args.join(" "));
  }
});

test("wrong usage names the help of the command that was used", async () => {
  const hints = {
    bogus: "shoal",
    stauts: "shoal",
    "status --bogus": "shoal status",
    "containerd enabel": "shoal containerd",
    "containerd check --bogus": "shoal containerd check",
  };
  for (const [args, words] of Object.entries(hints)) {
    const { stderr } = await shoal(args.split(" "));
    assert.ok(stderr.endsWith(`\nTry '${words} --help'.\n`), stderr);
  }
});

test("a misspelt option of a service is told before one that is missing", async () => {
  const misspelt = await shoal(["tracker", "--confg", "x"]);
  assert.match(misspelt.stderr, /^shoal: unknown option '--confg'\n\(Did you mean --config\?\)/);
  const missing = await shoal(["tracker"]);
  assert.match(missing.stderr, /^shoal: required option '-c, --config <file>' not specified\n/);
  assert.equal(missing.exitCode, exitCodes.usage);
});

test("config check tells every problem with its place, or that there is none", async (t) => {
  const folder = testFolder(t);
  const file = join(folder, "a.yaml");
  await writeFile(file, "service: tracker\nlisten:\n  htp: 1\nannounce:\n  intervalMs: 5m\n");
  const bad = await shoal(["config", "check", file]);
  assert.equal(bad.exitCode, exitCodes.usage);
  assert.match(bad.stderr, /a\.yaml:3:3: listen\.htp: unknown key, did you mean "http"\n/);
  assert.match(bad.stderr, /a\.yaml:5:3: announce\.intervalMs: is "5m", want .*: 300000\n/);
  await writeFile(file, "service: tracker\n");
  const good = await shoal(["config", "check", file]);
  assert.deepEqual([good.exitCode, good.stderr], [exitCodes.ok, ""]);
  assert.match(good.stdout, /good configuration of the tracker/);
});

test("config check wants to know the service, and believes file and option only together", async (t) => {
  const file = join(testFolder(t), "a.yaml");
  await writeFile(file, "trackers: []\n");
  assert.match((await shoal(["config", "check", file])).stderr, /use --service/);
  const given = await shoal(["config", "check", file, "--service", "seeder"]);
  assert.equal(given.exitCode, exitCodes.ok);
  await writeFile(file, "service: tracker\n");
  const other = await shoal(["config", "check", file, "--service", "seeder"]);
  assert.equal(other.exitCode, exitCodes.usage);
  assert.match(other.stderr, /service: is "tracker", want "seeder"/);
});

test("variables are part of the configuration that is checked", async (t) => {
  const file = join(testFolder(t), "a.yaml");
  await writeFile(file, "service: tracker\n");
  const { exitCode, stderr } = await shoal(["config", "check", file], {
    SHOAL_ANNOUNCE__INTERVAL_MS: "soon",
  });
  assert.equal(exitCode, exitCodes.usage);
  assert.match(stderr, /^environment:SHOAL_ANNOUNCE__INTERVAL_MS: announce\.intervalMs: is "soon"/);
});

test("a service with a bad configuration does not start, and ends with 2", async (t) => {
  const file = join(testFolder(t), "a.yaml");
  await writeFile(file, "nonsense: 1\n");
  const { exitCode, stderr } = await shoal(["tracker", "--config", file]);
  assert.equal(exitCode, exitCodes.usage);
  assert.match(stderr, /a\.yaml:1:1: nonsense: unknown key/);
});
