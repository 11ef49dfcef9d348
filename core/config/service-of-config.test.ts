import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../errors.ts";
import { serviceOfConfig } from "./service-of-config.ts";

test("serviceOfConfig() gives the service that the key names", () => {
  assert.equal(serviceOfConfig("# x\nservice: seeder\nlisten: 1", "a.yaml"), "seeder");
});

test("serviceOfConfig() gives nothing when the file does not say", () => {
  for (const text of ["", "listen: 1", "- service", "service:"]) {
    assert.equal(serviceOfConfig(text, "a.yaml"), undefined, text);
  }
});

test("serviceOfConfig() refuses a service that is none of ours", () => {
  assert.throws(
    () => serviceOfConfig("\n service: leecher", "a.yaml"),
    new ConfigError([
      'a.yaml:2:2: service: is "leecher", want one of content-proxy, seeder, tracker',
    ]),
  );
});

test("serviceOfConfig() tells where a file cannot be read, though it may not say what it is for", () => {
  for (const [text, problem] of [
    ["level: info\nstore: [1", /^a\.yaml:2:10: /],
    ["service: seeder\nlevel: 1\nlevel: 2", /^a\.yaml:3:1: .*unique/],
  ] as const) {
    assert.throws(
      () => serviceOfConfig(text, "a.yaml"),
      (error) => error instanceof ConfigError && problem.test(error.problems[0] ?? ""),
    );
  }
});
