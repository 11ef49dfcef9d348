import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { blobFixture } from "../core/testing/blob-fixture.ts";
import { ManualClock } from "../core/testing/manual-clock.ts";
import { MemoryLogger } from "../core/testing/memory-logger.ts";
import { testFolder } from "../core/testing/test-folder.ts";
import type { OriginBlob } from "./blob-fetch.ts";
import { KnownBlobs } from "./known-blobs.ts";
import { StateFile } from "./state-file.ts";

function blobOf(seed: string): OriginBlob {
  const { digest } = blobFixture(10, seed);
  const descriptor = { mediaType: "layer", digest, size: 10 };
  return { registry: "a.example", repository: "pond/fish", descriptor };
}

async function folderWith(t: TestContext) {
  const path = join(testFolder(t), "known-blobs.jsonl");
  const clock = new ManualClock();
  const open = async () =>
    KnownBlobs.open({ file: new StateFile({ path, logger: new MemoryLogger() }), clock });
  return { path, clock, open };
}

test("what is known, and when it was used, outlives a restart", async (t) => {
  const { clock, open } = await folderWith(t);
  const known = await open();
  const [a, b] = [blobOf("a"), blobOf("b")];
  known.add(a);
  known.add(b);
  clock.advance(5000);
  known.touch(a.descriptor.digest);
  await known.save();
  const again = await open();
  assert.deepEqual(again.find(a.descriptor.digest)?.descriptor, a.descriptor);
  const useOf = (of: KnownBlobs, { descriptor: { digest } }: OriginBlob) =>
    of.lastUseOf({ digest, updatedAt: 7n });
  assert.equal(useOf(again, a), useOf(known, a));
  assert.equal(useOf(again, a) - useOf(again, b), 5_000_000_000n);
  assert.equal(useOf(again, blobOf("c")), 7n);
  again.touch(blobOf("c").descriptor.digest);
  assert.equal(again.find(blobOf("c").descriptor.digest), undefined);
});

test("what is told of a blob does not replace what is known with another size", async (t) => {
  const known = await (await folderWith(t)).open();
  const { descriptor, ...place } = blobOf("a");
  const { digest } = descriptor;
  const elsewhere = { ...place, registry: "b.example" };
  known.hear({ ...elsewhere, descriptor });
  known.hear({ ...place, descriptor });
  assert.equal(known.find(digest)?.registry, place.registry);
  known.hear({ ...elsewhere, descriptor: { ...descriptor, size: 11 } });
  assert.deepEqual(known.find(digest)?.descriptor, descriptor);
  known.add({ ...place, descriptor: { ...descriptor, size: 12 } });
  assert.equal(known.find(digest)?.descriptor.size, 12);
});

test("lines that are damaged are left out, wherever the file was cut", async (t) => {
  const { path, open } = await folderWith(t);
  const known = await open();
  for (const seed of ["a", "b"]) known.add(blobOf(seed));
  await known.save();
  const text = await readFile(path, "utf8");
  const second = text.indexOf("\n");
  for (let length = 0; length < text.length; length++) {
    await writeFile(path, text.slice(0, length));
    const cut = await open();
    const found = ["a", "b"].filter((seed) => cut.find(blobOf(seed).descriptor.digest));
    assert.equal(found.length, length >= second ? 1 : 0);
  }
  for (const change of [
    { registry: 5 },
    { repository: null },
    { descriptor: { digest: "sha256:1" } },
    { descriptor: { ...blobOf("a").descriptor, size: -1 } },
    { descriptor: { ...blobOf("a").descriptor, mediaType: 1 } },
    { usedAtMs: 1.5 },
  ]) {
    await writeFile(path, JSON.stringify({ ...blobOf("a"), usedAtMs: 1, ...change }));
    assert.equal((await open()).find(blobOf("a").descriptor.digest), undefined);
  }
});
