import assert from "node:assert/strict";
import { test } from "node:test";

import { registryHost } from "./registry-schema.ts";

test("a host is one that image references can name, as what is kept of it is read back", () => {
  const hosts = ["registry.example.com:5000", "localhost", "10.0.0.1:80", "[::1]:5000", "A-b"];
  for (const host of hosts) assert.equal(registryHost.parse(host), host);
  for (const host of ["", "registry.example.com.", "-x", "[", "a:b", "a/b", "a:", "é"]) {
    assert.equal(registryHost.safeParse(host).success, false, host);
  }
});
