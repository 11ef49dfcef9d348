import assert from "node:assert/strict";
import { test } from "node:test";

import { canonicalRegistry, isForeignName, isLoopbackRegistry } from "./registry-name.ts";

test("isForeignName() takes names of others", () => {
  for (const name of ["docker.io", "registry.example:5000", "registry", "127.example.com"]) {
    assert.equal(isForeignName(name), true, name);
  }
});

test("isForeignName() refuses addresses and this machine in all their forms", () => {
  const addresses = ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "10.0.0.1:5000", "[::1]:80"];
  const names = ["localhost", "LOCALHOST:5000", "a.localhost", "localhost.", "127.0.0.1."];
  const malformed = ["", "a b", "a/b", "user@host", "host:99999", "-a", "a?b", "a#b"];
  for (const name of [...addresses, ...names, ...malformed]) {
    assert.equal(isForeignName(name), false, name);
  }
});

test("canonicalRegistry() knows Docker Hub by all its names", () => {
  assert.equal(canonicalRegistry("registry-1.docker.io"), "docker.io");
  assert.equal(canonicalRegistry("Index.Docker.io"), "docker.io");
  assert.equal(canonicalRegistry("Quay.io:443"), "quay.io:443");
});

test("isLoopbackRegistry() knows this machine by all addresses of its loopback", () => {
  const own = ["localhost", "localhost:5000", "127.0.0.1", "127.9.8.7:80", "[::1]", "[::1]:5000"];
  own.push("[0:0:0:0:0:0:0:1]:5000", "[::ffff:127.0.0.1]:5000");
  const others = ["registry.example:5000", "127.example.com", "10.0.0.1:5000", "[fd00::1]:5000"];
  others.push("[::]:5000", "[::ffff:10.0.0.1]:80", "::1", "1127.0.0.1", "localhost.example");
  for (const registry of own) assert.equal(isLoopbackRegistry(registry), true, registry);
  for (const registry of others) assert.equal(isLoopbackRegistry(registry), false, registry);
});

test("canonicalRegistry() gives equal addresses one form", () => {
  assert.equal(canonicalRegistry("[FD00:0::1]:5000"), "[fd00::1]:5000");
  assert.equal(canonicalRegistry("[::1]"), "[::1]");
  assert.equal(canonicalRegistry("[::ffff:10.0.0.1]:80"), "10.0.0.1:80");
  for (const other of ["[dead]:1", "[::1]x", "[]:80"]) {
    assert.equal(canonicalRegistry(other), other);
  }
});
