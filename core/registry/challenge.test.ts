import assert from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../testing/seeded-random.ts";
import { parseChallenges } from "./challenge.ts";

test("parseChallenges() reads what registries send", () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"';
  assert.deepEqual(parseChallenges(header), [
    {
      scheme: "bearer",
      parameters: {
        realm: "https://auth.docker.io/token",
        service: "registry.docker.io",
        scope: "repository:a/b:pull,push",
      },
    },
  ]);
});

test("parseChallenges() reads several challenges, quotes in quotes, and odd cases", () => {
  assert.deepEqual(parseChallenges('Negotiate, BASIC Realm="a \\"b\\"", bearer realm=x'), [
    { scheme: "basic", parameters: { realm: 'a "b"' } },
    { scheme: "bearer", parameters: { realm: "x" } },
  ]);
});

test("parseChallenges() ends on hostile headers", () => {
  for (const header of [
    "",
    ",,,,",
    '"',
    "=",
    "a".repeat(100_000),
    'Bearer realm="',
    "Basic ,".repeat(999),
  ]) {
    assert.ok(Array.isArray(parseChallenges(header)));
  }
});

test("parseChallenges() reads less, and never fails, of a header that is cut or garbled", () => {
  const header = 'Basic realm="a b", Bearer realm="https://auth.example/token",service="s\\"s"';
  for (let end = 0; end < header.length; end++) {
    assert.ok(parseChallenges(header.slice(0, end)).length <= 2);
  }
  const random = seededRandom(3);
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(header);
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    assert.ok(parseChallenges(bytes.toString("latin1")).length <= 3);
  }
});
