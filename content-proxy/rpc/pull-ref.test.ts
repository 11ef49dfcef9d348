import assert from "node:assert/strict";
import { test } from "node:test";

import { parsePullRef } from "./pull-ref.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const sha512 = `sha512:${"cd".repeat(64)}`;

test("parsePullRef() reads the refs that containerd makes for pulls", () => {
  for (const kind of ["manifest", "index", "layer", "config", "attestation", "unknown"]) {
    assert.deepEqual(parsePullRef(`k8s.io/1/${kind}-${digest}`), { kind, digest });
  }
  assert.deepEqual(parsePullRef(`default/12/layer-${sha512}`), { kind: "layer", digest: sha512 });
  const named = `default/1/manifest-docker.io/library/a-b:1.0@${digest}`;
  assert.deepEqual(parsePullRef(named), { kind: "manifest", digest });
  const nested = `default/1/manifest-a@${digest}@${digest}`;
  assert.deepEqual(parsePullRef(nested), { kind: "manifest", digest });
});

test("parsePullRef() takes nothing else for a pull", () => {
  const others = [
    "",
    digest,
    `layer-${digest}`,
    `default/layer-${digest}`,
    `default/1/foreign-${digest}`,
    `default/1/layer-x${digest}`,
    `default/1/layer-${digest}x`,
    `default/1/layer-${digest.slice(0, -1)}`,
    `default/1/layer-${digest.toUpperCase()}`,
    `default/x/layer-${digest}`,
    `/1/layer-${digest}`,
    `default/1/layer-sha256:`,
    `default/1/layer-md5:${"a".repeat(32)}`,
    "default/1/my upload",
    `default/1/layer-${digest}\n`,
  ];
  for (const ref of others) assert.equal(parsePullRef(ref), undefined, ref);
});
