import assert from "node:assert/strict";
import { test } from "node:test";

import { ConfigError } from "../errors.ts";
import { serviceOfConfig } from "./service-of-config.ts";

test("serviceOfConfig() gives the service that the key names", () => {
  assert.equal(serviceOfConfig("# x\nservice: seeder\nlisten: 1", "a.yaml"), "seeder");
});

test("serviceOfConfig() gives nothing when the file does not say or cannot be read", () => {
  for (const text of ["", "listen: 1", "- service", "a: [", "service:"]) {
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
