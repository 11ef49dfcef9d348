import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgumentError } from "./errors.ts";
import { formatImageReference, parseImageReference } from "./image-reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("parseImageReference() reads references as Docker and containerd do", () => {
  const table: [text: string, full: string][] = [
    ["debian", "docker.io/library/debian:latest"],
    ["docker.io/debian:12", "docker.io/library/debian:12"],
    ["grafana/loki", "docker.io/grafana/loki:latest"],
    ["localhost/x", "localhost/x:latest"],
    ["127.0.0.1:5000/a/b-c__d:v1.0", "127.0.0.1:5000/a/b-c__d:v1.0"],
    ["[::1]:5000/a", "[::1]:5000/a:latest"],
    [`ghcr.io/a/b@${digest}`, `ghcr.io/a/b@${digest}`],
    [`ghcr.io/a/b:1@${digest}`, `ghcr.io/a/b:1@${digest}`],
  ];
  for (const [text, full] of table) {
    assert.equal(formatImageReference(parseImageReference(text)), full);
  }
});

test("parseImageReference() refuses what no registry serves", () => {
  const bad = ["", "/", "a//b", "UPPER/case", "a:", "a:b:c", "a@b", `a@${digest}@${digest}`];
  const worse = ["../../x", "a.b/../c", "a b", "a?x=1", `a:${"t".repeat(129)}`, "x".repeat(700)];
  const hosts = ["user:pass@host.io/a", "-.x/a", "http://host.io/a"];
  for (const text of [...bad, ...worse, ...hosts]) {
    assert.throws(() => parseImageReference(text), InvalidArgumentError, text);
  }
});
