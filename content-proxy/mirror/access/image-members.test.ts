import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { digestOf } from "../../../core/digest.ts";
import type { BlobRecord } from "../../../core/ports/blob-store.ts";
import { ImageMembers } from "./image-members.ts";

const secret = digestOf(Buffer.from("a secret of somebody"));
const theSecret = descriptorOf("a secret of somebody");
const own = descriptorOf("a layer");

function descriptorOf(text: string): string {
  const bytes = Buffer.from(text);
  const digest = digestOf(bytes);
  return `{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"${digest}","size":${bytes.length}}`;
}

/** Whether a manifest vouches for the secret. */
async function vouches(t: TestContext, text: string): Promise<boolean> {
  const bytes = Buffer.from(text);
  const manifest = digestOf(bytes);
  const members = new ImageMembers({
    store: {
      find: (digest) => ({ digest, size: bytes.length, whole: true }) as BlobRecord,
      async *read() {
        yield bytes;
      },
    },
  });
  return members.has(secret, [manifest], { signal: t.signal });
}

test("a manifest vouches for what it names", async (t) => {
  const annotations = `"annotations":{"a":"x: \\"{[","b":"\\\\"}`;
  const rest = `"schemaVersion":2,"config":${own},${annotations}`;
  assert.equal(await vouches(t, `{${rest},"layers":[${own},${theSecret}]}`), true);
  assert.equal(await vouches(t, `{${rest},"layers":[${own}]}`), false);
  assert.equal(await vouches(t, `{"schemaVersion":2,"manifests":[${theSecret}]}`), true);
});

test("a manifest that a registry reads otherwise vouches for nothing", async (t) => {
  const layers = `"layers":[${theSecret}]`;
  const named = (extra: string) => `{"schemaVersion":2,"config":${own},${layers}${extra}}`;
  assert.equal(await vouches(t, named("")), true);
  for (const other of ["Layers", "LAYERS", "layerſ", "layer\\u017f", "layers", "\\u006cayers"]) {
    assert.equal(await vouches(t, named(`,"${other}":[${own}]`)), false, other);
  }
  assert.equal(await vouches(t, named(`,"manifests":[${own}]`)), false);
  assert.equal(await vouches(t, named(`,"fsLayers":[]`)), false);
  const first = `{"Layers":[${own}],"config":${own},${layers}}`;
  assert.equal(await vouches(t, first), false);
});

test("a descriptor that a registry reads otherwise vouches for nothing", async (t) => {
  const ownDigest = digestOf(Buffer.from("a layer"));
  const extras = ['"URLs":["https://x.example"]', '"urls":["https://x.example"]'];
  extras.push(`"Digest":"${ownDigest}"`, '"\\u0055rls":[]', '"MediaType":"x"');
  for (const extra of extras) {
    const entry = theSecret.replace("}", `,${extra}}`);
    const text = `{"schemaVersion":2,"config":${own},"layers":[${entry}]}`;
    assert.equal(await vouches(t, text), false, extra);
  }
  const twice = theSecret.replace("{", `{"digest":"${ownDigest}",`);
  assert.equal(await vouches(t, `{"config":${own},"layers":[${twice}]}`), false);
});
