import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../../core/digest.ts";
import { Provenance } from "./provenance.ts";
import { learnFromSnapshot } from "./snapshot-labels.ts";

const manifest = digestOf(Buffer.from("manifest"));
const [lower, upper] = [digestOf(Buffer.from("lower")), digestOf(Buffer.from("upper"))];
const prefix = "containerd.io/snapshot/cri.";

test("the labels of a snapshot tell where the manifest and all layers come from", () => {
  const provenance = new Provenance();
  const labels = {
    [`${prefix}image-ref`]: "registry.example:5000/team/app:1",
    [`${prefix}manifest-digest`]: manifest,
    [`${prefix}layer-digest`]: lower,
    [`${prefix}image-layers`]: `${lower},${upper}`,
  };
  learnFromSnapshot(labels, provenance);
  const repository = { registry: "registry.example:5000", repository: "team/app" };
  for (const digest of [manifest, lower, upper]) {
    assert.deepEqual(provenance.find(digest)?.repositories, [repository]);
  }
});

test("labels that are malformed teach nothing", () => {
  const provenance = new Provenance();
  const named = { [`${prefix}layer-digest`]: lower };
  learnFromSnapshot(named, provenance);
  learnFromSnapshot({ ...named, [`${prefix}image-ref`]: "../../etc/passwd" }, provenance);
  assert.equal(provenance.find(lower), undefined);
  const odd = { [`${prefix}image-ref`]: "app", [`${prefix}image-layers`]: `x,,${upper},sha256:1` };
  learnFromSnapshot(odd, provenance);
  assert.equal(provenance.find(upper)?.repositories[0]?.repository, "library/app");
});
